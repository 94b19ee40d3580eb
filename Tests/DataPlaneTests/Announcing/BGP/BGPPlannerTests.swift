import Announcement
import KubeModel
import NetworkTypes
import Testing
import Transport

@testable import DataPlane

@Suite("What a node tells its routers") struct BGPPlannerTests {
    private static let home = "metallb-system"
    private let web = NamespacedName(namespace: "shop", name: "web")

    private func key(_ name: String) -> NamespacedName { NamespacedName(namespace: Self.home, name: name) }

    private func peer(_ name: String = "router", _ change: (inout BGPPeerSpec) -> Void = { _ in }) -> BGPPeer {
        var spec = BGPPeerSpec(myASN: 64512, peerASN: 64500, peerAddress: "10.0.0.1")
        change(&spec)
        return BGPPeer(metadata: ObjectMeta(name: name, namespace: Self.home), spec: spec)
    }

    /// A node with one peer, and an announcement plan in which it announces addresses of 203.0.113.0/24 and fdee::/64.
    private struct Bench {
        var planner = BGPPlanner(node: "a")
        var announcements = AnnouncementPlanner()

        var plan: BGPPlan { planner.plan(announcements.plan()) }
        var session: BGPPeerPlan? { plan.peers.first }
    }

    private func bench(
        _ advertisement: BGPAdvertisementSpec = .init(), addresses: [String] = ["203.0.113.7"], _ peers: BGPPeer...
    ) throws -> Bench {
        var bench = Bench()
        bench.planner.nodeAddresses = [try #require(IPAddress("10.0.0.2"))]
        for peer in peers.isEmpty ? [self.peer()] : peers { bench.planner.peers[NamespacedName(peer.metadata)] = peer }
        let object = BGPAdvertisement(
            metadata: ObjectMeta(name: "all", namespace: Self.home), spec: advertisement)
        bench.planner.advertisements[key("all")] = object
        bench.announcements.advertisements[.bgp] = [key("all"): try #require(Advertisement(object))]
        let pool = AnnouncedPool(
            .init(namespace: Self.home, name: "pool"), addresses: ["203.0.113.0/24", "fdee::/64"])
        bench.announcements.pools[pool.reference] = pool
        bench.planner.pools[pool.reference] = pool
        for name in ["a", "b"] { bench.announcements.nodes[name] = AnnouncingNode(name: name) }
        bench.announcements.services[web] = AnnouncedService(
            uid: "u", addresses: try addresses.map { try #require(IPAddress($0)) })
        return bench
    }

    @Test func `a peer and an advertisement without a word make a session with a route for each address`() throws {
        let plan = try bench(addresses: ["203.0.113.7", "fdee::7"]).plan
        let session = try #require(plan.peers.first)
        #expect(session.name == "metallb-system/router")
        #expect(session.endpoint.address.description == "10.0.0.1:179")
        #expect(session.endpoint.protection.isSingleHop)
        #expect(!session.endpoint.protection.requiresSingleHop)
        #expect(session.session.localASN == 64512)
        #expect(session.session.peerASN == .number(64500))
        #expect(session.session.identifier == 0x0a00_0002)
        #expect(session.session.holdTime == 90)
        #expect(session.session.families == [.v4, .v6])
        #expect(session.session.gracefulRestart == nil)
        #expect(session.bfd == nil)
        #expect(Set(session.routes.keys.map(\.description)) == ["203.0.113.7/32", "fdee::7/128"])
        #expect(plan.complaints.isEmpty)
        #expect(plan.announced == [.init(service: web, namespace: Self.home, peers: ["router"])])
    }

    @Test func `what a peer says of its session is followed`() throws {
        let password = NamespacedName(namespace: Self.home, name: "word")
        var bench = try bench(
            .init(),
            peer {
                $0.peerASN = nil
                $0.dynamicASN = "external"
                $0.peerPort = 1179
                $0.sourceAddress = "10.0.0.9"
                $0.routerID = "1.2.3.4"
                $0.holdTime = "1m"
                $0.keepaliveTime = "7s"
                $0.connectTime = "3s"
                $0.ebgpMultiHop = true
                $0.enableGracefulRestart = true
                $0.disableMP = true
                $0.bfdProfile = "fast"
                $0.passwordSecret = PasswordSecret(name: "word")
            })
        // Until the Secret was looked for there is nothing to be said.
        #expect(bench.session == nil)
        #expect(bench.planner.secrets == [password])
        bench.planner.passwords[password] = .bytes(Array("secret".utf8))
        bench.planner.profiles[key("fast")] = BFDProfile(
            metadata: ObjectMeta(name: "fast", namespace: Self.home),
            spec: BFDProfileSpec(
                receiveInterval: 50, transmitInterval: 60, detectMultiplier: 5, passiveMode: true, minimumTtl: 250))
        let session = try #require(bench.session)
        #expect(session.session.peerASN == .other)
        #expect(session.endpoint.address.port == 1179)
        #expect(session.endpoint.source?.description == "10.0.0.9")
        #expect(session.session.identifier == 0x0102_0304)
        #expect(session.session.holdTime == 60)
        #expect(session.session.keepaliveTime == 7)
        #expect(session.session.connectTime == 3)
        #expect(!session.endpoint.protection.isSingleHop)
        #expect(session.endpoint.protection.md5Key == Array("secret".utf8))
        #expect(session.session.gracefulRestart == .init(restartTime: 120, isForwardingPreserved: true))
        #expect(session.session.families == [.v4])
        #expect(session.bfd?.peer.minimumHops == 250)
        #expect(session.bfd?.configuration.receiveInterval == .milliseconds(50))
        #expect(session.bfd?.configuration.detectMultiplier == 5)
        #expect(session.bfd?.configuration.isPassive == true)
        bench.planner.isForwardingPreserved = false
        #expect(bench.session?.session.gracefulRestart?.isForwardingPreserved == false)
    }

    /// A peer that cannot be followed, and words of what is said about it.
    struct Fault: CustomTestStringConvertible, Sendable {
        let words: String
        let change: @Sendable (inout BGPPeerSpec) -> Void
        var testDescription: String { words }

        init(_ words: String, _ change: @escaping @Sendable (inout BGPPeerSpec) -> Void) {
            self.words = words
            self.change = change
        }
    }

    static let faults = [
        Fault("VRFs (red) are not supported; leave spec.vrf out") { $0.vrf = "red" },
        Fault("(interface eth0) are not supported; give the router's address") { $0.interface = "eth0" },
        Fault("peerAddress") { $0.peerAddress = "router.example" }, Fault("peerPort") { $0.peerPort = 70000 },
        Fault("myASN") { $0.myASN = 0 }, Fault("peerASN") { $0.peerASN = nil },
        Fault("holdTime") { $0.holdTime = "2s" }, Fault("keepaliveTime") { $0.keepaliveTime = "soon" },
        Fault("routerID") { $0.routerID = "fd00::1" }, Fault("sourceAddress") { $0.sourceAddress = "here" },
        Fault("BFDProfile none") { $0.bfdProfile = "none" },
        Fault("no Secret none") { $0.passwordSecret = PasswordSecret(name: "none") },
        Fault("own namespace") { $0.passwordSecret = PasswordSecret(name: "word", namespace: "other") },
        Fault("1 to 80 bytes") { $0.password = String(repeating: "x", count: 81) },
    ]

    @Test(arguments: faults)
    func `a peer that cannot be followed has no session, and is told why`(_ fault: Fault) throws {
        var bench = try bench(.init(), peer("router", fault.change))
        bench.planner.passwords = [key("none"): .missing, key("word"): .bytes([1])]
        let plan = bench.plan
        #expect(plan.peers.isEmpty)
        #expect(plan.complaints.map(\.kind) == [.peer])
        #expect(plan.complaints.first?.message.contains(fault.words) == true, "\(plan.complaints)")
        #expect(plan.announced.isEmpty)
    }

    @Test func `keepalives every zero seconds are those of whoever says nothing of them`() throws {
        let session = try bench(.init(), peer { ($0.holdTime, $0.keepaliveTime) = ("9m0s", "0s") }).session
        #expect(session?.session.holdTime == 540)
        #expect(session?.session.keepaliveTime == nil)
    }

    @Test func `the annotation for GTSM is heeded, and excludes peers further away`() throws {
        var near = peer()
        near.metadata.annotations = [BGPPlanner.securityAnnotation: "true"]
        #expect(try bench(.init(), near).session?.endpoint.protection.requiresSingleHop == true)
        near.spec?.ebgpMultiHop = true
        #expect(try bench(.init(), near).plan.complaints.count == 1)
    }

    @Test func `a node that the peer does not select has no session`() throws {
        let selected = peer { $0.nodeSelectors = [LabelSelector(matchLabels: ["rack": "one"])] }
        var bench = try bench(.init(), selected)
        #expect(bench.plan.peers.isEmpty)
        #expect(bench.plan.complaints.isEmpty)
        bench.planner.nodeLabels = ["rack": "one"]
        #expect(bench.plan.peers.count == 1)
    }

    @Test func `an advertisement tells the peers that it names, with its communities and preference`() throws {
        var bench = try bench(
            BGPAdvertisementSpec(
                localPref: 150, communities: ["64512:7", "large:64512:1:2", "vpn", "no-export"], peers: ["second"]),
            peer(), peer("second") { $0.peerAddress = "10.0.0.3" })
        bench.planner.communities[key("names")] = Community(
            metadata: ObjectMeta(name: "names", namespace: Self.home),
            spec: CommunitySpec(communities: [CommunityAlias(name: "vpn", value: "64512:100")]))
        let plan = bench.plan
        #expect(plan.peers.map(\.routes.count) == [0, 1])
        let route = try #require(plan.peers.last?.routes.values.first)
        #expect(route.localPreference == 150)
        #expect(route.communities.map(\.description) == ["64512:7", "64512:100", "65535:65281"])
        #expect(route.largeCommunities.map(\.description) == ["64512:1:2"])
        #expect(plan.announced.map(\.peers) == [["second"]])
    }

    @Test(arguments: [
        (BGPAdvertisementSpec(communities: ["nobody-knows"]), "nobody-knows"),
        (BGPAdvertisementSpec(aggregationLength: 33), "33"),
        (BGPAdvertisementSpec(aggregationLengthV6: 129), "129"), (BGPAdvertisementSpec(localPref: -1), "localPref"),
        (BGPAdvertisementSpec(peers: ["none"]), "no BGPPeer none"),
        (BGPAdvertisementSpec(communities: (0..<1000).map { "1:\($0)" }), "more communities"),
    ])
    func `an advertisement that cannot be understood announces nothing, and says why`(
        _ spec: BGPAdvertisementSpec, _ words: String
    ) throws {
        let plan = try bench(spec).plan
        #expect(plan.peers.map(\.routes.count) == [0])
        #expect(plan.complaints.map(\.kind) == [.advertisement])
        #expect(plan.complaints.first?.message.contains(words) == true, "\(plan.complaints)")
    }

    @Test func `addresses are announced in prefixes of the aggregation length, within their pool`() throws {
        let addresses = ["203.0.113.7", "203.0.113.9", "203.0.113.200", "fdee::7"]
        let plan = try bench(
            BGPAdvertisementSpec(aggregationLength: 25, aggregationLengthV6: 96), addresses: addresses
        ).plan
        #expect(
            plan.peers.first.map { Set($0.routes.keys.map(\.description)) } == [
                "203.0.113.0/25", "203.0.113.128/25", "fdee::/96",
            ])
        let wide = try bench(BGPAdvertisementSpec(aggregationLength: 23), addresses: addresses).plan
        #expect(wide.peers.first?.routes.keys.map(\.description) == ["fdee::7/128"])
        #expect(wide.complaints.first?.message.contains("203.0.113.7 and others") == true)
    }

    @Test func `two advertisements of one address are told as one, the higher preference first`() throws {
        var bench = try bench(BGPAdvertisementSpec(localPref: 100, communities: ["1:1"]))
        let second = BGPAdvertisement(
            metadata: ObjectMeta(name: "second", namespace: Self.home),
            spec: BGPAdvertisementSpec(localPref: 200, communities: ["1:2"]))
        bench.planner.advertisements[key("second")] = second
        bench.announcements.advertisements[.bgp]?[key("second")] = Advertisement(second)
        let routes = try #require(bench.session?.routes)
        #expect(routes.count == 1)
        #expect(routes.values.first?.localPreference == 200)
        #expect(routes.values.first?.communities.map(\.description) == ["1:1", "1:2"])
    }

    @Test func `a node without ready endpoints of a Service with the policy Local tells nobody`() throws {
        var bench = try bench()
        bench.announcements.services[web]?.localNodes = [.v4: ["b"], .v6: ["b"]]
        #expect(bench.session?.routes.isEmpty == true)
        #expect(bench.plan.announced.isEmpty)
        bench.announcements.services[web]?.localNodes = [.v4: ["a"], .v6: ["a"]]
        #expect(bench.session?.routes.count == 1)
    }

    @Test func `a Service that goes, or has no endpoint, is told no longer, and the session stays`() throws {
        var bench = try bench()
        bench.announcements.services[web]?.readyFamilies = []
        #expect(bench.session?.routes.isEmpty == true)
        bench.announcements.services = [:]
        #expect(bench.plan.peers.count == 1)
    }
}
