import Store
import Synchronization

/// Keeps what an observer is told.
final class EventLog: Sendable {
    private let events = Mutex<[StoreEvent]>([])

    var all: [StoreEvent] { events.withLock { $0 } }

    func add(_ more: [StoreEvent]) {
        events.withLock { $0 += more }
    }
}
