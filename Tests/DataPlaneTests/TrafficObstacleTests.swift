import KubeClient
import KubeModel
import Logging
import NFTables
import TestSupport
import Testing

@testable import DataPlane

@Suite("What keeps traffic from Services is named, with the mend") struct TrafficObstacleTests {
    @Test func `a machine in order has none`() {
        var facts = MachineFacts(forwardsIPv4: true, forwardsIPv6: nil)
        facts.chains = [
            (NFTable(.inet, "others"), NFChain("in", hook: .init(.filter, .input, priority: 0))),
            (
                NFTable(.inet, "others"),
                NFChain("raw", hook: .init(.filter, .prerouting, priority: -300, policy: .drop))
            ),
        ]
        #expect(facts.obstacles.isEmpty)
    }

    @Test func `Docker's chain has a mend of its own`() {
        let (v4, v6) = (NFTable(.ipv4, "filter"), NFTable(.ipv6, "filter"))
        let dropping = NFChain("FORWARD", hook: .init(.filter, .forward, priority: 0, policy: .drop))
        var facts = MachineFacts()
        facts.chains = [(v4, dropping), (v6, dropping)]
        #expect(facts.obstacles.map(\.reason) == ["ForwardingDropped", "ForwardingDropped"])
        #expect(facts.obstacles[0].message.hasSuffix("nft insert rule ip filter FORWARD ct status dnat accept"))
        facts.chains.append((v4, NFChain("DOCKER-USER")))
        #expect(facts.obstacles[0].message.contains("iptables -I DOCKER-USER"))
        #expect(facts.obstacles[1].message.contains("ip6tables -I DOCKER-USER"))
    }

    @Test func `settings and firewalld`() {
        var facts = MachineFacts(forwardsIPv4: false, strictInterfaces: ["eth1", "eth0"])
        facts.tables = [NFTable(.inet, "firewalld")]
        #expect(facts.obstacles.map(\.reason) == ["ForwardingOff", "StrictReversePath", "Firewalld"])
        #expect(facts.obstacles[0].message.hasSuffix("sysctl -w net.ipv4.ip_forward=1"))
        #expect(facts.obstacles[1].message.contains("on eth0 and other interfaces"))
    }

    @Test func `each is told once while it is there, and again when it came back`() {
        let recorder = EventRecorder(
            client: APIClient(transport: InMemoryAPI([Event.definition])), component: "test",
            logger: Logger(label: "test"))
        var watch = ObstacleWatch(nodeName: "vm", recorder: recorder, logger: Logger(label: "test"))
        let (one, two) = (TrafficObstacle(reason: "A", message: "a"), TrafficObstacle(reason: "B", message: "b"))
        #expect(watch.take([one]) == [one])
        #expect(watch.take([one, two]) == [two])
        #expect(watch.take([two]) == [])
        #expect(watch.take([one, two]) == [one])
    }
}
