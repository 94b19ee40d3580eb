import Glibc
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
            // Most commits are of one resource, which all observers but one pass over.
            guard events.contains(where: { Self.hasPrefix($0.key, entry.prefix) }) else { continue }
            entry.handler(events.filter { Self.hasPrefix($0.key, entry.prefix) })
        }
    }

    private static func hasPrefix(_ key: String, _ prefix: String) -> Bool {
        let (key, prefix) = (key.utf8, prefix.utf8)
        guard key.count >= prefix.count else { return false }
        let isSame = key.withContiguousStorageIfAvailable { key in
            prefix.withContiguousStorageIfAvailable { prefix in
                guard let left = key.baseAddress, let right = prefix.baseAddress else { return true }
                return memcmp(left, right, prefix.count) == 0
            }
        }
        // Every string of Swift's own lies in one piece.
        return (isSame ?? nil) ?? key.starts(with: prefix)
    }
}
