import Synchronization

/// How many requests are being worked on, so that too many at once are answered 429 instead of piling up.
/// Watches are not counted: they cost nothing while nothing happens.
final class InFlightLimit: Sendable {
    enum Slot: Sendable {
        case read, write
    }

    private let maxReads: Int
    private let maxWrites: Int
    private let reads = Atomic(0)
    private let writes = Atomic(0)

    init(maxReads: Int, maxWrites: Int) {
        self.maxReads = maxReads
        self.maxWrites = maxWrites
    }

    /// Takes a place; false when all are taken. Every place taken is given back by `leave`.
    func enter(_ slot: Slot) -> Bool {
        switch slot {
        case .read:
            if reads.add(1, ordering: .relaxed).newValue <= maxReads { return true }
            reads.subtract(1, ordering: .relaxed)
        case .write:
            if writes.add(1, ordering: .relaxed).newValue <= maxWrites { return true }
            writes.subtract(1, ordering: .relaxed)
        }
        return false
    }

    func leave(_ slot: Slot) {
        switch slot {
        case .read: reads.subtract(1, ordering: .relaxed)
        case .write: writes.subtract(1, ordering: .relaxed)
        }
    }

    var current: (reads: Int, writes: Int) {
        (reads.load(ordering: .relaxed), writes.load(ordering: .relaxed))
    }
}
