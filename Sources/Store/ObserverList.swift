import Synchronization

/// The observers of a store's commits.
final class ObserverList: Sendable {
    private struct Entry {
        let number: Int
        let prefix: String
        let handler: @Sendable ([StoreEvent]) -> Void
    }

    private struct State {
        var entries: [Entry] = []
        var nextNumber = 0
    }

    private let state = Mutex(State())

    func add(
        prefix: String, _ handler: @escaping @Sendable ([StoreEvent]) -> Void
    ) -> Observation {
        let number = state.withLock { state in
            state.nextNumber += 1
            state.entries.append(Entry(number: state.nextNumber, prefix: prefix, handler: handler))
            return state.nextNumber
        }
        return Observation { [weak self] in
            self?.state.withLock { $0.entries.removeAll { $0.number == number } }
        }
    }

    /// Tells every observer what of `events` it asked for. On the writer's thread, so that the order is the commits'.
    func notify(_ events: [StoreEvent]) {
        // Called outside the lock: an observer may end its own observation.
        for entry in state.withLock({ $0.entries }) {
            let seen = events.filter { $0.key.utf8.starts(with: entry.prefix.utf8) }
            if !seen.isEmpty { entry.handler(seen) }
        }
    }
}
