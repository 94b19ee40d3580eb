package import KubeModel
package import NetworkTypes
import Synchronization
package import TrafficModel
package import Transport

/// A packet that a client sends.
package struct Packet: Hashable, Sendable {
    package var transport: TransportProtocol
    package var source: SocketAddress
    package var destination: SocketAddress

    package init(_ transport: TransportProtocol, from source: SocketAddress, to destination: SocketAddress) {
        self.transport = transport
        self.source = source
        self.destination = destination
    }
}

/// Where a packet ends up.
package enum PacketFate: Hashable, Sendable {
    case delivered(SocketAddress, service: NamespacedName)
    /// The client learns at once that nobody serves this.
    case refused
    /// The client hears nothing.
    case dropped
    /// It is to no address of a Service.
    case notForServices
}

/// An enforcer without a network: it carries batches out in memory and answers where a packet would go. For the tests
/// of whatever cuts batches, and as the model that enforcers are compared with.
package final class SimulatedEnforcer: ServiceEnforcer {
    fileprivate struct State {
        var planner = FrontendPlanner()
        /// What is in effect; differs from the plan by what was denied and what was lost.
        var inEffect: [FrontendKey: Frontend] = [:]
        var pickers: [ServiceBackendID: EndpointPicker] = [:]
        var flows: [Packet: SocketAddress] = [:]
        var denied: [FrontendKey: EnforcementProblem.Reason] = [:]
        var batches: [EnforcementBatch.Extent] = []
        var refusals = 0
        var isShutDown = false
    }

    // The mutex protects all of the state.
    private let state = Mutex(State())
    package let losses: AsyncStream<EnforcementLoss>
    private let lose: AsyncStream<EnforcementLoss>.Continuation

    /// How it chooses where it is asked to.
    private let balancings: Set<ServiceBalancing>

    package init(balancings: Set<ServiceBalancing> = [.random, .consistentHash]) {
        self.balancings = balancings
        (losses, lose) = AsyncStream.makeStream(of: EnforcementLoss.self)
    }

    package func balances(by balancing: ServiceBalancing) -> Bool { balancings.contains(balancing) }

    package func enforce(_ batch: EnforcementBatch) async -> EnforcementReport {
        state.withLock { state in
            guard !state.isShutDown else { return EnforcementReport() }
            state.batches.append(batch.extent)
            if batch.extent == .everything, state.refusals == 0 { state.inEffect = [:] }
            let plan = state.planner.plan(batch.changes, on: batch.node)
            if state.refusals > 0 {
                state.refusals -= 1
                return EnforcementReport(failure: "refused")
            }
            for change in plan.changes { state.carryOut(change) }
            state.dropUnusedPickers()
            return EnforcementReport(
                problems: state.planner.problems(of: plan.affected) { key in
                    state.denied[key].map { ($0, "denied by the test") }
                }, servedCount: state.inEffect.count)
        }
    }

    package func shutDown(grace: Duration) async {
        state.withLock { state in
            state.isShutDown = true
            state.inEffect = [:]
        }
        lose.finish()
    }

    /// Where a packet goes. Sending one has its effects: rotations turn, flows and sessions begin.
    package func fate(of packet: Packet, at now: MonotonicTime) -> PacketFate {
        state.withLock { state in
            let key = FrontendKey(transport: packet.transport, address: packet.destination)
            guard let frontend = state.inEffect[key] else { return .notForServices }
            guard frontend.sourceRanges.admits(packet.source.ip) else { return .dropped }
            let service = frontend.backend.port.service
            if let endpoint = state.flows[packet] { return .delivered(endpoint, service: service) }
            guard let endpoint = state.pickers[frontend.backend]?.pick(for: packet.source.ip, now: now) else {
                return frontend.absence == .refused ? .refused : .dropped
            }
            if packet.transport == .udp { state.flows[packet] = endpoint }
            return .delivered(endpoint, service: service)
        }
    }

    /// Refuses the next batches as a whole: what is in effect stays.
    package func refuseBatches(_ count: Int) { state.withLock { $0.refusals = count } }

    /// Makes an address unavailable from the next batch on, for the reason given; nil makes it available again.
    package func deny(_ key: FrontendKey, _ reason: EnforcementProblem.Reason?) {
        state.withLock { $0.denied[key] = reason }
    }

    /// Forgets what is in effect, as a kernel does when somebody flushes its tables, and says so.
    package func loseEverything() {
        state.withLock { $0.inEffect = [:] }
        lose.yield(.everything)
    }

    /// The extents of the batches so far.
    package var batches: [EnforcementBatch.Extent] { state.withLock { $0.batches } }
}

extension SimulatedEnforcer.State {
    mutating func carryOut(_ change: FrontendPlanner.Change) {
        let key = change.key
        switch StaleFlows(change) {
        case .none: break
        case .all: flows = flows.filter { $0.key.destination != key.address || $0.key.transport != key.transport }
        case .toEndpoints(let gone):
            flows = flows.filter { $0.key.destination != key.address || !gone.contains($0.value) }
        }
        switch change {
        case .remove: inEffect[key] = nil
        case .set(_, let frontend, _):
            guard denied[key] == nil else {
                inEffect[key] = nil
                return
            }
            inEffect[key] = frontend
            if pickers[frontend.backend] == nil {
                pickers[frontend.backend] = EndpointPicker(
                    endpoints: frontend.endpoints, affinitySeconds: frontend.affinitySeconds,
                    balancing: frontend.balancing)
            } else {
                pickers[frontend.backend]?.replace(
                    endpoints: frontend.endpoints, affinitySeconds: frontend.affinitySeconds,
                    balancing: frontend.balancing)
            }
        }
    }

    mutating func dropUnusedPickers() {
        let used = Set(inEffect.values.map(\.backend))
        pickers = pickers.filter { used.contains($0.key) }
    }
}
