import Synchronization

/// What the service proxy has done, readable from any thread.
package final class RelayCounters: Sendable {
    private let total = Atomic<Int>(0)
    private let open = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)
    private let flows = Atomic<Int>(0)
    private let evictions = Atomic<Int>(0)

    package init() {}

    /// TCP connections accepted since the start.
    package var connections: Int { total.load(ordering: .relaxed) }
    /// TCP connections open now.
    package var openConnections: Int { open.load(ordering: .relaxed) }
    /// Connections and datagrams turned away (no endpoint took them, or the client is not admitted).
    package var refused: Int { refusals.load(ordering: .relaxed) }
    /// UDP flows open now.
    package var openFlows: Int { flows.load(ordering: .relaxed) }

    /// UDP flows that had to make room for newer ones since the start.
    package var evictedFlows: Int { evictions.load(ordering: .relaxed) }

    func connectionBegan() {
        total.add(1, ordering: .relaxed)
        open.add(1, ordering: .relaxed)
    }
    func connectionEnded() { open.subtract(1, ordering: .relaxed) }
    func countRefusal() { refusals.add(1, ordering: .relaxed) }
    func countEviction() { evictions.add(1, ordering: .relaxed) }
    func flowBegan() { flows.add(1, ordering: .relaxed) }
    func flowsEnded(_ count: Int) { flows.subtract(count, ordering: .relaxed) }
}
