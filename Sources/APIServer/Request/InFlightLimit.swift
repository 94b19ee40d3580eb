import Synchronization
import Transport

/// How many requests are being worked on, and how much of their answers waits for clients, so that too many at once are
/// answered 429 instead of piling up. A request has its place until its answer is sent. Watches are not counted: they
/// cost nothing while nothing happens.
final class InFlightLimit: Sendable {
    enum Slot: Sendable {
        case read, write
    }

    private let maxReads: Int
    private let maxWrites: Int
    private let reads = Atomic(0)
    private let writes = Atomic(0)
    private let maxAnswerBytes: Int
    /// Large answers that clients have not taken yet.
    let answers: ByteGauge

    /// - Parameter maxAnswerBytes: No read begins while more than this waits in `answers`.
    init(maxReads: Int, maxWrites: Int, maxAnswerBytes: Int = 256 << 20, answers: ByteGauge = ByteGauge()) {
        self.maxReads = maxReads
        self.maxWrites = maxWrites
        self.maxAnswerBytes = maxAnswerBytes
        self.answers = answers
    }

    /// Takes a place; false when all are taken. Every place taken is given back by `leave`.
    func enter(_ slot: Slot) -> Bool {
        switch slot {
        case .read:
            guard answers.bytes <= maxAnswerBytes else { return false }
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
