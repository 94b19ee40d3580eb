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
        let sender: RequestSender?
    }

    private struct Holding: Sendable {
        var bytes = 0
        var waiting = 0
    }

    let capacity: Int
    private let maximumWaiting: Int
    private(set) var held = 0
    private var waiting: [Claim] = []
    private var holdings: [RequestSender: Holding] = [:]
    /// Whether a claim waits for others' bytes rather than for its sender's own: no later one may have them first.
    private var isAwaited = false

    init(capacity: Int, maximumWaiting: Int = 4096) {
        self.capacity = capacity
        self.maximumWaiting = maximumWaiting
    }

    var waitingCount: Int { waiting.count }

    /// A claim for more than everything is granted when nothing else is held.
    private func fits(_ claim: Claim) -> Bool {
        held == 0 || held + claim.bytes <= (claim.sender?.isLocal == true ? capacity + capacity / 4 : capacity)
    }

    /// A claim for more than its sender's share is granted when its sender holds nothing else.
    private func isInShare(_ claim: Claim) -> Bool {
        guard let sender = claim.sender, let own = holdings[sender]?.bytes, own > 0 else { return true }
        return own + claim.bytes <= capacity / 2
    }

    /// - Parameter sender: of whom bytes are counted; nil for one who may have all of them.
    mutating func claim(_ bytes: Int, id: UInt64, by sender: RequestSender? = nil) -> Answer {
        let claim = Claim(id: id, bytes: bytes, sender: sender)
        let ownWaiting = sender.flatMap { holdings[$0]?.waiting } ?? 0
        let isInShare = ownWaiting == 0 && isInShare(claim)
        let isLocal = sender?.isLocal == true
        if isInShare, !isAwaited || isLocal, fits(claim) {
            take(claim)
            return .granted
        }
        guard waiting.count < (isLocal ? maximumWaiting + maximumWaiting / 4 : maximumWaiting),
            sender == nil || ownWaiting < max(maximumWaiting / 2, 1)
        else { return .refused }
        waiting.append(claim)
        if let sender { holdings[sender, default: Holding()].waiting += 1 }
        if isInShare { isAwaited = true }
        return .queued
    }

    /// Gives granted bytes back.
    /// - Returns: Who has what they waited for now, in order.
    mutating func release(_ bytes: Int, of sender: RequestSender? = nil) -> [UInt64] {
        held -= bytes
        if let sender { change(sender) { $0.bytes -= bytes } }
        return grant()
    }

    /// A claim that waits is no longer wanted.
    /// - Returns: Who stood behind it and has what they waited for now; nil when it does not wait (any more).
    mutating func withdraw(_ id: UInt64) -> [UInt64]? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        let claim = waiting.remove(at: index)
        if let sender = claim.sender { change(sender) { $0.waiting -= 1 } }
        return grant()
    }

    private mutating func take(_ claim: Claim) {
        held += claim.bytes
        if let sender = claim.sender { change(sender) { $0.bytes += claim.bytes } }
    }

    private mutating func change(_ sender: RequestSender, _ body: (inout Holding) -> Void) {
        var own = holdings[sender] ?? Holding()
        body(&own)
        holdings[sender] = own.bytes > 0 || own.waiting > 0 ? own : nil
    }

    private mutating func grant() -> [UInt64] {
        guard !waiting.isEmpty else { return [] }
        var granted: [UInt64] = []
        var rest: [Claim] = []
        var passed: Set<RequestSender> = []
        isAwaited = false
        for claim in waiting {
            let isInShare = claim.sender.map { !passed.contains($0) } ?? true && isInShare(claim)
            if isInShare, !isAwaited || claim.sender?.isLocal == true, fits(claim) {
                take(claim)
                if let sender = claim.sender { change(sender) { $0.waiting -= 1 } }
                granted.append(claim.id)
                continue
            }
            if isInShare { isAwaited = true }
            if let sender = claim.sender { passed.insert(sender) }
            rest.append(claim)
        }
        waiting = rest
        return granted
    }
}
