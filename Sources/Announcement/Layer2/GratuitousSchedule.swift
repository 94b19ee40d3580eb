import NetworkTypes

/// When addresses are to be announced unasked: at once, and again a few times, since such frames are lost like others and
/// nobody acknowledges them. Pure; time is a parameter, since any fixed moment.
struct GratuitousSchedule: Sendable {
    /// After the take-over.
    static let offsets: [Duration] = [.zero, .milliseconds(200), .seconds(1), .seconds(2), .seconds(4)]

    /// One queue for each offset: what comes later is due later.
    private var rounds: [[Turn]] = Array(repeating: [], count: offsets.count)
    private var heads = Array(repeating: 0, count: offsets.count)

    private struct Turn: Sendable {
        var address: IPAddress
        var due: Duration
    }

    mutating func add(_ addresses: some Sequence<IPAddress>, at now: Duration) {
        let addresses = Array(addresses)
        for (round, offset) in Self.offsets.enumerated() {
            rounds[round] += addresses.map { Turn(address: $0, due: now + offset) }
        }
    }

    /// When the next is due; nil where nothing waits.
    var next: Duration? {
        rounds.indices.compactMap { heads[$0] < rounds[$0].count ? rounds[$0][heads[$0]].due : nil }.min()
    }

    /// Those whose turn it is, at most `limit` of them, the first announcements first.
    mutating func take(at now: Duration, limit: Int) -> [IPAddress] {
        var taken: [IPAddress] = []
        for round in rounds.indices {
            while taken.count < limit, heads[round] < rounds[round].count, rounds[round][heads[round]].due <= now {
                taken.append(rounds[round][heads[round]].address)
                heads[round] += 1
            }
            if heads[round] == rounds[round].count {
                rounds[round] = []
                heads[round] = 0
            }
        }
        return taken
    }

    mutating func removeAll() { self = GratuitousSchedule() }
}
