import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of BGPPeers") struct BGPPeerStrategyTests {
    private static func peer(_ changes: JSONObject = [:], without: String? = nil) -> JSONValue {
        var peer: JSONValue = [
            "metadata": ["name": "a", "namespace": "metallb-system"],
            "spec": ["myASN": 64500, "peerASN": 64501, "peerAddress": "10.0.0.1", "peerPort": 179],
        ]
        for (key, value) in changes { peer["spec"][key] = value }
        if let without { peer["spec"][without] = nil }
        return peer
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", peer()),
        RefusalCase(
            "everything",
            peer([
                "sourceAddress": "10.0.0.2", "holdTime": "1m30s", "keepaliveTime": "10s", "connectTime": "5s",
                "routerID": "10.0.0.9", "bfdProfile": "fast", "ebgpMultiHop": true, "vrf": "red",
                "passwordSecret": ["name": "pw", "namespace": "metallb-system"], "localASN": 65000,
            ])),
        RefusalCase(
            "an unnumbered peer of any AS",
            peer(["interface": "eth0", "dynamicASN": "external", "peerASN": 0], without: "peerAddress")),
        RefusalCase(
            "nobody", peer(["myASN": 0, "peerASN": 0], without: "peerAddress"),
            "spec.myASN: Required value", "spec.peerASN: Required value: must be set, or dynamicASN",
            "spec.peerAddress: Required value: must be set, or interface"),
        RefusalCase(
            "both of two", peer(["dynamicASN": "internal", "interface": "eth0"]),
            "spec.dynamicASN: Forbidden: may not be set together with peerASN",
            "spec.interface: Forbidden: may not be set together with peerAddress"),
        RefusalCase(
            "several hops inside an AS", peer(["peerASN": 64500, "ebgpMultiHop": true]),
            "spec.ebgpMultiHop: Forbidden: may not be set for a peer of the same AS"),
        RefusalCase(
            "addresses that are none",
            peer(["peerAddress": "router", "sourceAddress": "::", "routerID": "fd00::1"]),
            "spec.peerAddress: Invalid value: \"router\": \(Wording.address)",
            "spec.sourceAddress: Invalid value: \"::\": must be a unicast address",
            "spec.routerID: Invalid value: \"fd00::1\": must be written as an IPv4 address"),
        RefusalCase(
            "two families", peer(["sourceAddress": "fd00::1"]),
            "spec.sourceAddress: Invalid value: \"fd00::1\": must be of the address family of peerAddress"),
        RefusalCase(
            "timers", peer(["holdTime": "2s", "keepaliveTime": "4s", "connectTime": "1500ms"]),
            "spec.holdTime: Invalid value: \"2s\": must be 0 or between 3s and 65535s",
            "spec.keepaliveTime: Invalid value: \"4s\": must be lower than holdTime",
            "spec.connectTime: Invalid value: \"1500ms\": must be whole seconds"),
        RefusalCase(
            "a keepalive alone, and no durations", peer(["keepaliveTime": "500ms", "connectTime": "soon"]),
            "spec.keepaliveTime: Invalid value: \"500ms\": makes a hold time of three times as long, which must be 0 or "
                + "between 3s and 65535s",
            "spec.connectTime: Invalid value: \"soon\": must be a duration, (e.g. 90s)"),
        RefusalCase("a hold time of nothing", peer(["holdTime": "0s"])),
        RefusalCase(
            "a connect time beyond", peer(["connectTime": "20h"]),
            "spec.connectTime: Invalid value: \"20h\": must be between 1s and 65535s, inclusive"),
        RefusalCase(
            "a password in two places, with a line break, of another namespace",
            peer(["password": "a\nb", "passwordSecret": ["name": "pw", "namespace": "kube-system"]]),
            "spec.password: Invalid value: \"<hidden>\": may not contain control characters",
            "spec.passwordSecret: Forbidden: may not be set together with password",
            "spec.passwordSecret.namespace: Invalid value: \"kube-system\": must be the namespace of the peer, or left out"
        ),
        RefusalCase(
            "lines of a configuration", peer(["vrf": "red\nno neighbor", "peerPort": 0]),
            "spec.vrf: Invalid value: \"red\\nno neighbor\": may not contain control characters",
            "spec.peerPort: Invalid value: 0: must be between 1 and 16384, inclusive"),
    ]

    @Test(arguments: cases)
    func `a BGPPeer is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(BGPPeerStrategy())
    }

    @Test func `graceful restart is decided when the peer is made`() throws {
        let context = StrategyContext(
            namespace: "metallb-system", name: "a", now: try #require(Timestamp("2026-01-01T00:00:00Z")))
        let strategy = BGPPeerStrategy()
        let restarting = Self.peer(["enableGracefulRestart": true])
        #expect(strategy.validateUpdate(restarting, from: restarting, context).isEmpty)
        #expect(
            strategy.validateUpdate(restarting, from: Self.peer(), context).map(\.message) == [
                "spec.enableGracefulRestart: Invalid value: true: cannot be changed after creation"
            ])
    }
}
