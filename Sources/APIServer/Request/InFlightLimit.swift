import NetworkTypes
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
    /// The connections that such answers wait for, with their bytes: whoever takes none of what it has asked for must not
    /// keep the others from asking. nil stands for all that have no address.
    private let holders = Mutex<[SocketAddress?: Int]>([:])
    /// The size from which on an answer is counted by its connection.
    static let largeAnswer = 64 << 10

    /// - Parameter maxAnswerBytes: No read begins while more than this waits in `answers`.
    init(maxReads: Int, maxWrites: Int, maxAnswerBytes: Int = 256 << 20, answers: ByteGauge = ByteGauge()) {
        self.maxReads = maxReads
        self.maxWrites = maxWrites
        self.maxAnswerBytes = maxAnswerBytes
        self.answers = answers
    }

    /// Takes a place; false when all are taken. Every place taken is given back by `leave`.
    ///
    /// When too much waits already, a quarter more is for connections that nothing waits for.
    func enter(_ slot: Slot, by peer: SocketAddress? = nil) -> Bool {
        switch slot {
        case .read:
            let waiting = answers.bytes
            if waiting > maxAnswerBytes {
                guard waiting <= maxAnswerBytes + maxAnswerBytes / 4,
                    holders.withLock({ $0[peer] == nil })
                else { return false }
            }
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

    /// An answer of so many bytes begins to wait for a connection; `release` with the same ends it.
    func hold(_ bytes: Int, for peer: SocketAddress?) {
        holders.withLock { $0[peer, default: 0] += bytes }
    }

    func release(_ bytes: Int, of peer: SocketAddress?) {
        holders.withLock { holders in
            let left = (holders[peer] ?? 0) - bytes
            holders[peer] = left > 0 ? left : nil
        }
    }

    var current: (reads: Int, writes: Int) {
        (reads.load(ordering: .relaxed), writes.load(ordering: .relaxed))
    }
}
