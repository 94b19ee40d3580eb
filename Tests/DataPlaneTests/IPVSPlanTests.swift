import IPVS
import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("What virtual servers become as Services change") struct IPVSPlanTests {
    static let a = SocketAddress("10.1.0.1:80")!
    static let b = SocketAddress("10.1.0.2:80")!
    static let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.1:80")!)
    static let server = VirtualServer(key: VirtualServer.Key(key), scheduler: .roundRobin, flags: .owned)

    private func frontend(
        _ endpoints: [SocketAddress], _ role: Frontend.Role = .clusterIP, affinity: Int? = nil,
        balancing: ServiceBalancing = .random, transport: TransportProtocol = .tcp
    ) -> Frontend {
        let service = NamespacedName(namespace: "shop", name: "web")
        return Frontend(
            role: role,
            backend: ServiceBackendID(
                port: ServicePortID(service: service, port: 80, transport: transport), family: .v4, policy: .cluster),
            endpoints: endpoints, affinitySeconds: affinity, balancing: balancing)
    }

    /// Takes a frontend in, carries the steps out, and returns them.
    private func step(
        _ plan: inout IPVSPlan, _ frontend: Frontend?, at key: FrontendKey = IPVSPlanTests.key
    ) -> IPVSPlan.Steps {
        let change: FrontendPlanner.Change =
            frontend.map { .set(key, $0, replacing: nil) } ?? .remove(key, self.frontend([]))
        plan.take(change, ownAddresses: [IPAddress("192.0.2.1")!])
        let steps = plan.steps(for: [key])
        plan.commit(steps.servers + steps.reals + steps.removals)
        return steps
    }

    @Test func `a change costs its own real servers`() {
        var plan = IPVSPlan()
        let server = Self.server
        var steps = step(&plan, frontend([Self.a]))
        #expect(steps == .init(servers: [.addServer(server)], reals: [.addReal(RealServer(Self.a), server.key)]))
        steps = step(&plan, frontend([Self.a, Self.b]))
        #expect(steps == .init(reals: [.addReal(RealServer(Self.b), server.key)]))
        #expect(step(&plan, frontend([Self.a, Self.b])).isEmpty, "named again, it is as it should be")
    }

    @Test func `connections to an endpoint that is gone end by themselves`() {
        var plan = IPVSPlan()
        let key = Self.server.key
        _ = step(&plan, frontend([Self.a, Self.b]))
        #expect(step(&plan, frontend([Self.b])).removals == [.changeReal(RealServer(Self.a, weight: 0), key)])
        #expect(plan.draining == [Self.key])
        let busy = RealServer.Standing(RealServer(Self.a, weight: 0), active: 1)
        let other = RealServer.Standing(RealServer(Self.b))
        #expect(plan.drained([busy, other], at: Self.key) == [])
        let waiting = RealServer.Standing(RealServer(Self.a, weight: 0), inactive: 1)
        #expect(plan.drained([waiting, other], at: Self.key) == [])
        let idle = RealServer.Standing(RealServer(Self.a, weight: 0))
        let changes = plan.drained([idle, other], at: Self.key)
        #expect(changes == [.removeReal(Self.a, key)])
        plan.commit(changes)
        #expect(plan.draining == [])
    }

    @Test func `an endpoint that comes back while it drains gets connections again`() {
        var plan = IPVSPlan()
        _ = step(&plan, frontend([Self.a, Self.b]))
        _ = step(&plan, frontend([Self.b]))
        let steps = step(&plan, frontend([Self.a, Self.b]))
        #expect(steps == .init(reals: [.changeReal(RealServer(Self.a), Self.server.key)]))
    }

    @Test func `a virtual server goes with its last connection`() {
        var plan = IPVSPlan()
        let key = Self.server.key
        _ = step(&plan, frontend([Self.a]))
        #expect(step(&plan, nil).removals == [.changeReal(RealServer(Self.a, weight: 0), key)])
        #expect(step(&plan, nil).isEmpty)
        let idle = RealServer.Standing(RealServer(Self.a, weight: 0))
        #expect(plan.drained([idle], at: Self.key) == [.removeReal(Self.a, key), .removeServer(key)])
        #expect(plan.drained([], at: Self.key).last == .removeServer(key), "somebody else removed the real server")
        // Without endpoints the same, whoever still wants the address.
        var other = IPVSPlan()
        _ = step(&other, frontend([Self.a]))
        #expect(step(&other, frontend([])).removals == [.changeReal(RealServer(Self.a, weight: 0), key)])
        #expect(other.addresses == [Self.key.address.ip])
    }

    @Test func `what has no connections has none to wait for`() {
        let key = FrontendKey(transport: .udp, address: Self.key.address)
        let server = VirtualServer.Key(key)
        var plan = IPVSPlan()
        _ = step(&plan, frontend([Self.a, Self.b], transport: .udp), at: key)
        #expect(step(&plan, frontend([Self.b], transport: .udp), at: key).removals == [.removeReal(Self.a, server)])
        #expect(step(&plan, nil, at: key).removals == [.removeReal(Self.b, server), .removeServer(server)])
        #expect(plan.keys.isEmpty)
    }

    @Test func `affinity is persistence, and a Service may ask for the fewest connections`() {
        var plan = IPVSPlan(scheduler: .maglevHashing)
        var server = VirtualServer(
            key: Self.server.key, scheduler: .maglevHashing, flags: [.owned, .fallback, .persistent], persistence: 60)
        #expect(step(&plan, frontend([Self.a], affinity: 60)).servers == [.addServer(server)])
        server.scheduler = .leastConnections
        server.flags = .owned
        server.persistence = 0
        #expect(step(&plan, frontend([Self.a], balancing: .leastConnections)).servers == [.changeServer(server)])
    }

    @Test func `the device has the addresses of Services that are nobody else's`() {
        var plan = IPVSPlan()
        func key(_ text: String, _ transport: TransportProtocol = .tcp) -> FrontendKey {
            FrontendKey(transport: transport, address: SocketAddress(text)!)
        }
        _ = step(&plan, frontend([Self.a], .nodePort), at: key("192.0.2.9:30080"))
        _ = step(&plan, frontend([Self.a], .externalIP), at: key("192.0.2.1:80"))
        _ = step(&plan, frontend([Self.a]), at: key("127.96.0.1:80"))
        #expect(plan.addresses == [])
        #expect(plan.standing.keys.contains(key("192.0.2.9:30080")) && !plan.keys.contains(key("127.96.0.1:80")))
        _ = step(&plan, frontend([], .loadBalancerIP), at: key("203.0.113.5:80"))
        _ = step(&plan, frontend([Self.a], .loadBalancerIP), at: key("203.0.113.5:443"))
        #expect(plan.addresses == [IPAddress("203.0.113.5")!])
        _ = step(&plan, nil, at: key("203.0.113.5:80"))
        #expect(plan.addresses == [IPAddress("203.0.113.5")!])
        _ = step(&plan, nil, at: key("203.0.113.5:443"))
        #expect(plan.addresses == [])
    }

    @Test func `what an earlier process left is taken over, and what nobody wants drains`() {
        var plan = IPVSPlan()
        plan.take(.set(Self.key, frontend([Self.a, Self.b]), replacing: nil), ownAddresses: [])
        let stray = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.9:80")!)
        let other = VirtualServer(key: VirtualServer.Key(stray), scheduler: .roundRobin, flags: .owned)
        plan.adopt([
            Self.key: .init(server: Self.server, weights: [Self.a: 1]),
            stray: .init(server: other, weights: [Self.b: 1]),
        ])
        let steps = plan.steps(for: plan.keys.sorted())
        #expect(
            steps
                == .init(
                    reals: [.addReal(RealServer(Self.b), Self.server.key)],
                    removals: [.changeReal(RealServer(Self.b, weight: 0), other.key)]))
    }
}
