import NetworkTypes
import Synchronization
import TrafficModel
package import Transport

/// The relays of all event loops. Every Service port lives on one loop, so that its rotation and its session affinity
/// need no lock.
package final class ServiceRelayGroup: Sendable {
    /// A frontend that has no socket although it should.
    package struct Failure: Sendable, Hashable {
        package var key: FrontendKey
        package var error: TransportError
    }

    /// Sockets opened before a loop looks at its other events.
    private static let chunk = 256

    package let counters = RelayCounters()
    /// What the relays may open and have opened.
    package let descriptors: RelayDescriptors
    /// What they had no room for; for one consumer.
    package let crowding: AsyncStream<RelayCrowding>
    private let relays: [ServiceRelay]
    /// Which relay opened an address: the one that has to close it.
    private let assignments = Mutex<[FrontendKey: Int]>([:])

    /// - Parameters:
    ///   - descriptors: how many all of them may open; by default any number.
    ///   - flowLimit: how many UDP flows an address may have at a time.
    package init(
        loops: [EventLoop], descriptors: Int = .max, flowLimit: Int = DatagramRelay.flowLimit,
        liveness: ConnectionLiveness = .relay
    ) {
        let counters = counters
        let descriptors = RelayDescriptors(limit: descriptors)
        self.descriptors = descriptors
        let (crowding, tell) = AsyncStream.makeStream(of: RelayCrowding.self, bufferingPolicy: .bufferingNewest(4))
        self.crowding = crowding
        let room = RelayRoom(descriptors: descriptors) { tell.yield($0) }
        relays = loops.enumerated().map { index, loop in
            ServiceRelay(
                loop: loop, index: index, room: room, counters: counters, flowLimit: flowLimit, liveness: liveness)
        }
        room.serve(relays)
    }

    /// Addresses with a socket.
    package var openCount: Int { assignments.withLock { $0.count } }

    /// Makes the sockets what the changes say. A frontend without endpoints has none; one that failed has none either,
    /// and setting it again tries again.
    package func apply(_ changes: [FrontendPlanner.Change]) async -> [Failure] {
        let steps = assignments.withLock { assignments in changes.flatMap { self.steps($0, &assignments) } }
        var failures: [Failure] = []
        // An address that moves between loops is closed on one before it is opened on the other.
        for isClosing in [true, false] {
            var byRelay: [Int: [Step]] = [:]
            for step in steps where step.isClosing == isClosing { byRelay[step.relay, default: []].append(step) }
            for (index, steps) in byRelay.sorted(by: { $0.key < $1.key }) {
                for start in stride(from: 0, to: steps.count, by: Self.chunk) {
                    let chunk = Array(steps[start..<min(start + Self.chunk, steps.count)])
                    failures += await perform(chunk, on: relays[index])
                }
            }
        }
        if !failures.isEmpty {
            assignments.withLock { assignments in for failure in failures { assignments[failure.key] = nil } }
        }
        return failures
    }

    /// Closes all listeners, lets connections finish for at most `grace`, then breaks what is left.
    package func shutDown(grace: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for relay in relays {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        relay.loop.execute { relay.drain(limit: grace) { continuation.resume() } }
                    }
                }
            }
        }
        assignments.withLock { $0 = [:] }
    }

    private struct Step: Sendable {
        var relay: Int
        var key: FrontendKey
        /// Nil closes.
        var frontend: Frontend?
        var isClosing: Bool { frontend == nil }
    }

    private func steps(_ change: FrontendPlanner.Change, _ assignments: inout [FrontendKey: Int]) -> [Step] {
        let present = assignments[change.key]
        guard case .set(let key, let frontend, let previous) = change, !frontend.endpoints.isEmpty else {
            assignments[change.key] = nil
            return present.map { [Step(relay: $0, key: change.key, frontend: nil)] } ?? []
        }
        let wanted = Int(frontend.backend.port.stableHash % UInt64(relays.count))
        assignments[key] = wanted
        // What is open and stays as it is costs its loop nothing.
        if present == wanted, previous == frontend { return [] }
        let open = Step(relay: wanted, key: key, frontend: frontend)
        guard let present, present != wanted else { return [open] }
        return [Step(relay: present, key: key, frontend: nil), open]
    }

    private func perform(_ steps: [Step], on relay: ServiceRelay) async -> [Failure] {
        await withCheckedContinuation { continuation in
            relay.loop.execute {
                var failures: [Failure] = []
                for step in steps {
                    guard let frontend = step.frontend else {
                        relay.close(step.key)
                        continue
                    }
                    do throws(TransportError) {
                        try relay.set(step.key, frontend)
                    } catch {
                        failures.append(Failure(key: step.key, error: error))
                    }
                }
                continuation.resume(returning: failures)
            }
        }
    }
}

extension ServicePortID {
    /// FNV-1a over the name: spreads Service ports over relays, the same way on every run.
    fileprivate var stableHash: UInt64 {
        description.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
