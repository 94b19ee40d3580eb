import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import Controllers

@Suite("The Service for DNS") struct NameServicePlannerTests {
    private func node(_ name: String, _ servers: String?, ready: String? = "True") -> Node {
        Node(
            metadata: ObjectMeta(
                name: name, annotations: servers.map { [NodeNameServer.annotation: $0] }), spec: NodeSpec(),
            status: NodeStatus(
                conditions: ready.map { [Condition(type: "Ready", status: $0, reason: "Is", message: "")] }))
    }

    private func service(_ clusterIP: String, selector: [String: String]? = nil) -> Service {
        var service = NameServicePlanner.service(first: nil)
        service.spec?.clusterIP = clusterIP
        service.spec?.clusterIPs = [clusterIP]
        service.spec?.selector = selector
        return service
    }

    @Test func `it has the tenth address of the range and the ports that clients know`() throws {
        let service = NameServicePlanner.service(first: IPAddress("10.96.0.1"))
        #expect(service.spec?.clusterIP == "10.96.0.10")
        #expect(
            service.spec?.ports?.map { "\($0.name ?? "") \($0.port)/\($0.protocol ?? "")" }
                == ["dns 53/UDP", "dns-tcp 53/TCP", "metrics 9153/TCP"])
        #expect(service.metadata.labels?["k8s-app"] == "kube-dns")
    }

    @Test func `each node has one endpoint a family, preferred by itself`() throws {
        let groups = NameServicePlanner.groups(
            [
                node("b", "127.0.0.1:53,10.0.0.2:53/9153,10.0.0.3:53,[2001:db8::2]:53", ready: "False"),
                node("a", "10.0.0.1:53/9153"), node("silent", nil), node("lonely", "127.0.0.1:53"),
            ], for: service("10.96.0.10"))
        #expect(groups.map(\.addressType) == ["IPv4", "IPv6"])
        let first = try #require(groups.first)
        #expect(first.endpoints.map { $0.addresses ?? [] } == [["10.0.0.1"], ["10.0.0.2"]])
        #expect(first.endpoints.map { $0.conditions?.ready } == [true, false])
        #expect(first.endpoints.map { $0.hints?.forNodes?.map(\.name) ?? [] } == [["a"], ["b"]])
        #expect(first.ports.map(\.port) == [53, 53, 9153])
        #expect(groups.last?.ports.map(\.name) == ["dns", "dns-tcp"])
    }

    @Test func `a loopback address counts where the cluster's addresses are of this machine too`() {
        let nodes = [node("only", "127.0.0.1:5353")]
        #expect(NameServicePlanner.groups(nodes, for: service("10.96.0.10")).isEmpty)
        #expect(NameServicePlanner.groups(nodes, for: service("127.96.0.10")).map(\.endpoints.count) == [1])
    }

    @Test func `a Service with a selector is somebody else's`() {
        #expect(NameServicePlanner.isOurs(service("10.96.0.10")))
        #expect(!NameServicePlanner.isOurs(service("10.96.0.10", selector: ["k8s-app": "kube-dns"])))
    }

    @Test(arguments: [
        ("10.0.0.5:53", "10.0.0.5:53"), ("10.0.0.5:53/9153", "10.0.0.5:53/9153"),
        ("[2001:db8::1]:53", "[2001:db8::1]:53"), ("0.0.0.0:53", nil), ("10.0.0.5:0", nil), ("10.0.0.5", nil),
        ("10.0.0.5:53/0", nil), ("10.0.0.5:53/1/2", nil), ("", nil), ("host:53", nil),
    ])
    func `what an annotation says is an address with its ports or nothing`(text: String, said: String?) {
        #expect(NodeNameServer(text)?.description == said)
    }
}
