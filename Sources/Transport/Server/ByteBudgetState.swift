/// Who holds how much of a limited number of bytes, and who waits for some. Pure.
///
/// A claim is granted whole or waits: had it a part, two that wait for each other's rest would wait for ever. Those who
/// wait are served in their order, so that a large claim is not overtaken for ever by small ones. A sender has half of the
/// bytes at most: what it wants beyond waits for what it holds itself, and is passed by others. A quarter more than there is
/// for all others is for senders on a unix socket.
struct ByteBudgetState: Sendable {
    enum Answer: Sendable, Hashable {
        case granted
        /// The identifier comes back from ``release(_:of:)`` when the bytes are there.
        case queued
        /// More wait already than can be served in reasonable time.
        case refused
    }

    private struct Claim: Sendable {
        let id: UInt64
        let bytes: Int
    }

    /// What a sender holds, and what it waits for, in order. All that no sender is named for is one line, which may hold everything.
    private struct Line: Sendable {
        var held = 0
        var waiting: [Claim] = []
    }

    let capacity: Int
    private let maximumWaiting: Int
    private(set) var held = 0
    private(set) var waitingCount = 0
    private var lines: [RequestSender?: Line] = [:]
    /// Whether a claim waits for others' bytes rather than for its sender's own: no later one may have them first.
    private var isAwaited = false

    init(capacity: Int, maximumWaiting: Int = 4096) {
        self.capacity = capacity
        self.maximumWaiting = maximumWaiting
    }

    /// A claim for more than everything is granted when nothing else is held.
    private func fits(_ bytes: Int, of sender: RequestSender?) -> Bool {
        held == 0 || held + bytes <= (sender?.isLocal == true ? capacity + capacity / 4 : capacity)
    }

    /// A claim for more than its sender's share is granted when its sender holds nothing else.
    private func isInShare(_ bytes: Int, of sender: RequestSender?) -> Bool {
        guard sender != nil, let own = lines[sender]?.held, own > 0 else { return true }
        return own + bytes <= capacity / 2
    }

    /// - Parameter sender: of whom bytes are counted; nil for one who may have all of them.
    mutating func claim(_ bytes: Int, id: UInt64, by sender: RequestSender? = nil) -> Answer {
        let ownWaiting = lines[sender]?.waiting.count ?? 0
        let isInShare = ownWaiting == 0 && isInShare(bytes, of: sender)
        let isLocal = sender?.isLocal == true
        if isInShare, !isAwaited || isLocal, fits(bytes, of: sender) {
            held += bytes
            lines[sender, default: Line()].held += bytes
            return .granted
        }
        guard waitingCount < (isLocal ? maximumWaiting + maximumWaiting / 4 : maximumWaiting),
            sender == nil || ownWaiting < max(maximumWaiting / 2, 1)
        else { return .refused }
        lines[sender, default: Line()].waiting.append(Claim(id: id, bytes: bytes))
        waitingCount += 1
        if isInShare { isAwaited = true }
        return .queued
    }

    /// Gives granted bytes back.
    /// - Returns: Who has what they waited for now, in order.
    mutating func release(_ bytes: Int, of sender: RequestSender? = nil) -> [UInt64] {
        held -= bytes
        change(sender) { $0.held -= bytes }
        return grant()
    }

    /// Takes a waiting claim back.
    /// - Returns: Who stood behind it and has what they waited for now; nil when it does not wait (any more).
    mutating func withdraw(_ id: UInt64, of sender: RequestSender? = nil) -> [UInt64]? {
        guard let index = lines[sender]?.waiting.firstIndex(where: { $0.id == id }) else { return nil }
        change(sender) { $0.waiting.remove(at: index) }
        waitingCount -= 1
        return grant()
    }

    private mutating func change(_ sender: RequestSender?, _ body: (inout Line) -> Void) {
        var line = lines.removeValue(forKey: sender) ?? Line()
        body(&line)
        if line.held > 0 || !line.waiting.isEmpty { lines[sender] = line }
    }

    private mutating func grant() -> [UInt64] {
        isAwaited = false
        guard waitingCount > 0 else { return [] }
        var granted: [UInt64] = []
        // Of each sender the first claim: the others stand behind it.
        var heads = lines.compactMap { sender, line in line.waiting.first.map { (claim: $0, sender: sender) } }
        heads.sort { $0.claim.id < $1.claim.id }
        var place = 0
        while place < heads.count {
            let (claim, sender) = heads[place]
            place += 1
            guard isInShare(claim.bytes, of: sender) else { continue }
            guard !isAwaited || sender?.isLocal == true, fits(claim.bytes, of: sender) else {
                isAwaited = true
                continue
            }
            held += claim.bytes
            change(sender) { line in
                line.waiting.removeFirst()
                line.held += claim.bytes
            }
            waitingCount -= 1
            granted.append(claim.id)
            if let next = lines[sender]?.waiting.first {
                let index = heads[place...].firstIndex { $0.claim.id > next.id } ?? heads.count
                heads.insert((next, sender), at: index)
            }
        }
        return granted
    }
}
