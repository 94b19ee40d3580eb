import Synchronization

/// The descriptors that the relays of all loops may open, so that L4 clients cannot take those of the L7 proxy and of the
/// connection to the API (`DescriptorBudget`). Any thread.
package final class RelayDescriptors: Sendable {
    package let limit: Int
    private let used = Atomic<Int>(0)
    private let listeners = Atomic<Int>(0)

    package init(limit: Int) { self.limit = max(8, limit) }

    /// Descriptors open now.
    package var count: Int { used.load(ordering: .relaxed) }

    /// How many of them may listen: a quarter is for connections and flows, however many Services there are.
    package var listenerLimit: Int { limit - limit / 4 }

    /// Whether `count` more could be opened now.
    func hasRoom(_ count: Int) -> Bool { used.load(ordering: .relaxed) <= limit - count }

    /// What connections leave free, for those that come in place of others which have not ended yet.
    var reserve: Int { limit / 32 }

    /// Takes places for a connection or a flow.
    ///
    /// - Parameter rest: so many stay free.
    /// - Returns: false where there is no room; then nothing is taken.
    func take(_ count: Int, leaving rest: Int = 0) -> Bool {
        guard used.add(count, ordering: .relaxed).newValue > limit - rest else { return true }
        give(count)
        return false
    }

    func give(_ count: Int) { used.subtract(count, ordering: .relaxed) }

    /// Takes the place of a listening socket.
    func takeListener() -> Bool {
        guard listeners.add(1, ordering: .relaxed).newValue <= listenerLimit else {
            listeners.subtract(1, ordering: .relaxed)
            return false
        }
        // Counted even where connections have everything: they end, and new ones wait.
        used.add(1, ordering: .relaxed)
        return true
    }

    func giveListener() {
        listeners.subtract(1, ordering: .relaxed)
        give(1)
    }
}
