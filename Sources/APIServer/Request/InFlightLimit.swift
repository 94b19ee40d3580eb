import Synchronization
import Transport

/// How many requests are being worked on, and how much of their answers waits for clients, so that too many at once are
/// answered 429 instead of piling up. A request has its place until its answer is sent; a write has none while its body is
/// still coming. Watches are not counted: they cost nothing while nothing happens.
final class InFlightLimit: Sendable {
    enum Slot: Sendable {
        case read, write
    }

    /// What `leave` gives back.
    struct Place: Sendable {
        let slot: Slot
        let sender: RequestSender?
        /// Whether only a small answer may be given: see ``allows(_:in:)``.
        let isSmall: Bool
    }

    private let reads: Mutex<ReadShares>
    private let writes: Mutex<WriteShares>
    /// Large answers that clients have not taken yet.
    let answers: ByteGauge
    /// The size from which on an answer is counted by its reader.
    static let largeAnswer = 64 << 10

    /// - Parameter maxAnswerBytes: No large answer is made while more than this waits in `answers` (``ReadShares``).
    init(maxReads: Int, maxWrites: Int, maxAnswerBytes: Int = 256 << 20, answers: ByteGauge = ByteGauge()) {
        reads = Mutex(ReadShares(maxPlaces: maxReads, maxBytes: maxAnswerBytes))
        writes = Mutex(WriteShares(maxPlaces: maxWrites))
        self.answers = answers
    }

    /// Takes a place; nil when there is none. Every place taken is given back by `leave`.
    /// - Parameter sender: of whom reads and writes are counted.
    func enter(_ slot: Slot, by sender: RequestSender? = nil) -> Place? {
        switch slot {
        case .read:
            let waiting = answers.bytes
            let admission = reads.withLock { $0.enter(sender, waiting: waiting) }
            guard admission != .refused else { return nil }
            return Place(slot: slot, sender: sender, isSmall: admission == .small)
        case .write:
            guard writes.withLock({ $0.enter(sender) }) else { return nil }
            return Place(slot: slot, sender: sender, isSmall: false)
        }
    }

    /// Whether an answer of so many bytes may be given in a place.
    func allows(_ bytes: Int, in place: Place) -> Bool { !place.isSmall || bytes <= ReadShares.smallAnswer }

    /// An answer begins to wait for its client; `leave` with the same bytes ends it.
    /// - Returns: the bytes that it is counted with.
    func hold(_ bytes: Int, in place: Place) -> Int {
        guard place.slot == .read, bytes >= Self.largeAnswer else { return 0 }
        reads.withLock { $0.hold(bytes, for: place.sender) }
        return bytes
    }

    func leave(_ place: Place, held bytes: Int = 0) {
        switch place.slot {
        case .read: reads.withLock { $0.leave(place.sender, held: bytes) }
        case .write: writes.withLock { $0.leave(place.sender) }
        }
    }

    var current: (reads: Int, writes: Int) {
        (reads.withLock { $0.places }, writes.withLock { $0.places })
    }
}
