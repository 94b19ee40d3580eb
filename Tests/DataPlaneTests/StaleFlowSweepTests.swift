import Conntrack
import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Tracked flows that a batch made wrong are ended, and no others")
struct StaleFlowSweepTests {
    private static let node = NodeIdentity(name: "here")
    private static let service = SocketAddress("10.96.0.1:53")!
    private let key = NamespacedName(namespace: "default", name: "dns")

    private func entry(_ endpoints: [ServiceEndpoint], transport: TransportProtocol = .udp) -> ServiceEntry {
        ServiceEntry(
            key: key, clusterIPs: [Self.service.ip],
            ports: [ServicePortEntry(transport: transport, port: Self.service.port, endpoints: endpoints)])
    }

    private func endpoint(_ number: Int, node: String = "here") -> ServiceEndpoint {
        ServiceEndpoint(address: SocketAddress("10.81.0.\(number):5353")!, nodeName: node)
    }

    private func flow(_ client: Int, via endpoint: Int?, transport: UInt8 = FlowTuple.udp) -> Flow {
        let source = SocketAddress("192.0.2.\(client):4000")!
        return Flow(
            original: FlowTuple(transport: transport, source: source, destination: Self.service),
            reply: FlowTuple(
                transport: transport, source: endpoint.map { SocketAddress("10.81.0.\($0):5353")! } ?? Self.service,
                destination: source))
    }

    private func sweep(
        _ before: ServiceEntry?, _ after: ServiceEntry?, _ flows: SimulatedFlows,
        extent: EnforcementBatch.Extent = .changes
    ) throws {
        var planner = FrontendPlanner()
        if let before {
            _ = planner.plan([ServiceChange(key: key, before: nil, after: before)], on: Self.node)
        }
        let batch = EnforcementBatch(
            [ServiceChange(key: key, before: before, after: after)], extent: extent, on: Self.node)
        let plan = planner.plan(batch.changes, on: Self.node)
        try StaleFlowSweep(batch, plan) { $0 == key ? after : nil }.run(on: flows)
    }

    @Test func `an endpoint that went takes its flows along`() throws {
        let flows = SimulatedFlows([flow(1, via: 1), flow(2, via: 2), flow(3, via: 1, transport: FlowTuple.tcp)])
        try sweep(entry([endpoint(1), endpoint(2)]), entry([endpoint(2)]), flows)
        #expect(flows.flows == [flow(2, via: 2), flow(3, via: 1, transport: FlowTuple.tcp)])
        #expect(flows.filters == [FlowFilter(transport: FlowTuple.udp, destination: Self.service)])
    }

    @Test func `flows of SCTP end like those of UDP`() throws {
        let flows = SimulatedFlows([flow(1, via: 1, transport: FlowTuple.sctp), flow(2, via: 1)])
        try sweep(
            entry([endpoint(1), endpoint(2)], transport: .sctp), entry([endpoint(2)], transport: .sctp), flows)
        #expect(flows.flows == [flow(2, via: 1)])
    }

    @Test func `flows that led nowhere end when there is an endpoint`() throws {
        let flows = SimulatedFlows([flow(1, via: nil)])
        try sweep(entry([]), entry([endpoint(1)]), flows)
        #expect(flows.flows.isEmpty)
    }

    @Test func `an endpoint more costs no look at the table`() throws {
        let flows = SimulatedFlows([flow(1, via: 1)])
        try sweep(entry([endpoint(1)]), entry([endpoint(1), endpoint(2)]), flows)
        #expect(flows.filters.isEmpty)
    }

    @Test func `a flow stays with an endpoint that drains`() throws {
        let flows = SimulatedFlows([flow(1, via: 1)])
        var draining = endpoint(1)
        (draining.isReady, draining.isTerminating) = (false, true)
        try sweep(entry([endpoint(1), endpoint(2)]), entry([draining, endpoint(2)]), flows)
        #expect(flows.flows == [flow(1, via: 1)])
        draining.isServing = false
        try sweep(entry([endpoint(1), endpoint(2)]), entry([draining, endpoint(2)]), flows)
        #expect(flows.flows.isEmpty)
    }

    @Test func `an address that is gone takes all of its flows along`() throws {
        let flows = SimulatedFlows([flow(1, via: 1), flow(2, via: nil)])
        try sweep(entry([endpoint(1)]), nil, flows)
        #expect(flows.flows.isEmpty)
    }

    @Test func `everything anew ends what is wrong and leaves what is right`() throws {
        let flows = SimulatedFlows([flow(1, via: 1), flow(2, via: 7)])
        try sweep(nil, entry([endpoint(1)]), flows, extent: .everything)
        #expect(flows.flows == [flow(1, via: 1)])
    }

    @Test func `clients that a guard shuts out lose their flows`() throws {
        var open = entry([endpoint(1)])
        (open.loadBalancerIPs, open.clusterIPs) = (open.clusterIPs, [])
        var guarded = open
        guarded.loadBalancerSourceRanges = SourceRanges(spec: ["192.0.2.1/32"], annotation: nil)
        let flows = SimulatedFlows([flow(1, via: 1), flow(2, via: 1)])
        try sweep(open, guarded, flows)
        #expect(flows.flows == [flow(1, via: 1)])
    }

    @Test func `many addresses are looked at in one listing`() throws {
        func many(_ endpoints: [ServiceEndpoint]) -> ServiceEntry {
            ServiceEntry(
                key: key, clusterIPs: [Self.service.ip],
                ports: (0..<100).map { number in
                    ServicePortEntry(
                        name: "p\(number)", transport: .udp, port: Port(UInt16(53 + number)), endpoints: endpoints)
                })
        }
        let flows = SimulatedFlows([flow(1, via: 1), flow(2, via: 2)])
        try sweep(many([endpoint(1), endpoint(2)]), many([endpoint(2)]), flows)
        #expect(flows.flows == [flow(2, via: 2)])
        #expect(flows.filters == [FlowFilter(family: .v4, transport: FlowTuple.udp)])
    }
}
