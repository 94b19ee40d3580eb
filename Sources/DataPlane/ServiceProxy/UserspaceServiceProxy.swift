import NetworkTypes
import Synchronization
import TrafficModel
package import Transport

/// Relays TCP connections and UDP flows from Service addresses to endpoints, in user space: it needs no privilege for
/// addresses that Linux routes to itself (127.0.0.0/8) and ports above 1023.
///
/// Every Service port lives on one loop, so that its rotation and its session affinity need no lock.
package final class UserspaceServiceProxy: Sendable {
    /// What became of one change.
    package struct Failure: Sendable, Hashable {
        package var key: ServiceListenerKey
        package var listener: ServiceListener
        package var error: TransportError
    }

    package let counters = ServiceProxyCounters()
    private let relays: [ServiceRelay]
    /// Which relay opened an address: the one that has to close it.
    private let assignments = Mutex<[ServiceListenerKey: Int]>([:])

    package init(loops: [EventLoop]) {
        let counters = counters
        relays = loops.map { ServiceRelay(loop: $0, counters: counters) }
    }

    /// Applies the changes of one Service and returns the addresses that could not be opened. An address that failed
    /// has no listener: opening it again later is right.
    package func apply(_ changes: [ServiceProxyPlanner.Change]) async -> [Failure] {
        var byRelay: [Int: [ServiceProxyPlanner.Change]] = [:]
        for change in changes { byRelay[relayIndex(change), default: []].append(change) }
        var failures: [Failure] = []
        // One relay after the other: an address that moves between Services is closed before it is opened.
        for phase in [Phase.close, .openAndUpdate] {
            for (index, changes) in byRelay.sorted(by: { $0.key < $1.key }) {
                failures += await perform(changes.filter { phase.covers($0) }, on: relays[index])
            }
        }
        return failures
    }

    package func shutDown() async {
        for relay in relays {
            await withCheckedContinuation { continuation in
                relay.loop.execute {
                    relay.shutDown()
                    continuation.resume()
                }
            }
        }
    }

    private enum Phase {
        case close
        case openAndUpdate

        func covers(_ change: ServiceProxyPlanner.Change) -> Bool {
            if case .close = change { self == .close } else { self == .openAndUpdate }
        }
    }

    private func relayIndex(_ change: ServiceProxyPlanner.Change) -> Int {
        assignments.withLock { assignments in
            switch change {
            case .open(let key, let listener):
                let index = Int(listener.backend.port.stableHash % UInt64(relays.count))
                assignments[key] = index
                return index
            case .update(let key, _): return assignments[key] ?? 0
            case .close(let key): return assignments.removeValue(forKey: key) ?? 0
            }
        }
    }

    private func perform(_ changes: [ServiceProxyPlanner.Change], on relay: ServiceRelay) async -> [Failure] {
        guard !changes.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            relay.loop.execute {
                var failures: [Failure] = []
                for change in changes {
                    switch change {
                    case .open(let key, let listener):
                        do throws(TransportError) {
                            try relay.open(key, listener)
                        } catch {
                            failures.append(Failure(key: key, listener: listener, error: error))
                        }
                    case .update(let key, let listener): relay.update(key, listener)
                    case .close(let key): relay.close(key)
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
