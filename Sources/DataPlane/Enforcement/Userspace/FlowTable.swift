import NetworkTypes
import Transport

/// Which UDP flows one address has, and which of them goes when there is room for no more. Pure; time is a parameter.
///
/// A new client is always taken: the flow that was idle for longest makes room. One that its endpoint never answered
/// goes before any that was answered, so that datagrams of invented senders, which nobody answers to the end, push each
/// other out rather than the conversations under way (the kernel's connection tracking protects "assured" entries
/// likewise).
struct FlowTable {
    struct Flow: Hashable {
        var client: SocketAddress
        var endpoint: SocketAddress
        var lastUse: MonotonicTime
        /// The endpoint has sent something back.
        var isAnswered = false
    }

    let capacity: Int
    private(set) var flows: [UInt64: Flow] = [:]
    private var tokens: [SocketAddress: UInt64] = [:]
    private var unanswered = PlaceQueue()
    private var answered = PlaceQueue()
    private var nextToken: UInt64 = 1

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { flows.count }
    /// Places in the queues, those of flows that ended included.
    var rememberedPlaces: Int { unanswered.count + answered.count }

    func token(of client: SocketAddress) -> UInt64? { tokens[client] }

    subscript(token: UInt64) -> Flow? { flows[token] }

    /// Takes a flow in under a token of its own, 1 or more, that is never given again.
    ///
    /// - Returns: the token, and the flow that had to make room.
    mutating func begin(
        _ client: SocketAddress, to endpoint: SocketAddress, now: MonotonicTime
    ) -> (token: UInt64, evicted: UInt64?) {
        let evicted = count < capacity ? nil : endLongestIdle()
        let token = nextToken
        nextToken += 1
        flows[token] = Flow(client: client, endpoint: endpoint, lastUse: now)
        tokens[client] = token
        unanswered.append(token, now)
        if unanswered.count > 2 * capacity { unanswered.keep { [flows] in flows[$0]?.isAnswered == false } }
        return (token, evicted)
    }

    /// Ends the flow that has to make room when another one is to begin.
    mutating func endLongestIdle() -> UInt64? {
        let evicted = longestIdle()
        if let evicted { end(evicted) }
        return evicted
    }

    /// The client sent something.
    mutating func noteRequest(_ token: UInt64, now: MonotonicTime) { flows[token]?.lastUse = now }

    /// The endpoint sent something.
    mutating func noteAnswer(_ token: UInt64, now: MonotonicTime) {
        guard let flow = flows[token] else { return }
        flows[token]?.lastUse = now
        guard !flow.isAnswered else { return }
        flows[token]?.isAnswered = true
        answered.append(token, now)
        if answered.count > 2 * capacity { answered.keep { [flows] in flows[$0] != nil } }
    }

    @discardableResult
    mutating func end(_ token: UInt64) -> Flow? {
        guard let flow = flows.removeValue(forKey: token) else { return nil }
        if tokens[flow.client] == token { tokens[flow.client] = nil }
        return flow
    }

    /// The flows without a datagram for `limit` or longer.
    func idle(for limit: Duration, at now: MonotonicTime) -> [UInt64] {
        flows.filter { now - $0.value.lastUse >= limit }.map(\.key)
    }

    private mutating func longestIdle() -> UInt64? {
        unanswered.oldest { flows[$0].flatMap { $0.isAnswered ? nil : $0.lastUse } }
            ?? answered.oldest { flows[$0]?.lastUse }
    }
}

/// Tokens in order of their last use, as far as it is known: a token that was used since it was queued goes to the back
/// when its turn comes (a "second chance"), so that using a flow costs no move.
private struct PlaceQueue {
    private var places: [(token: UInt64, use: MonotonicTime)] = []
    private var start = 0

    /// Tokens queued, those that are gone included.
    var count: Int { places.count - start }

    mutating func append(_ token: UInt64, _ use: MonotonicTime) { places.append((token, use)) }

    /// Forgets the tokens that are gone.
    mutating func keep(where isPresent: (UInt64) -> Bool) {
        places = places[start...].filter { isPresent($0.token) }
        start = 0
    }

    /// Takes out the token that was not used since its turn began for longest; `use` gives a token's last use, nil when
    /// it is no longer in this queue.
    mutating func oldest(_ use: (UInt64) -> MonotonicTime?) -> UInt64? {
        var turns = places.count - start
        while turns >= 0, start < places.count {
            let place = places[start]
            start += 1
            defer { compact() }
            guard let last = use(place.token) else { continue }
            turns -= 1
            if last <= place.use || turns < 0 { return place.token }
            places.append((place.token, last))
        }
        return nil
    }

    private mutating func compact() {
        guard start > 1024, start * 2 > places.count else { return }
        places.removeFirst(start)
        start = 0
    }
}
