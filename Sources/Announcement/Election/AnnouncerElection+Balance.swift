import NetworkTypes

extension AnnouncerElection {
    static let balancePause: Duration = .seconds(10)
    /// How long a node must have been alive before an address is handed to it for the balance's sake.
    static let calm: Duration = .seconds(30)
    /// Of the addresses held, so large a share is handed over at a time.
    private static let share = 10

    /// Hands some addresses to those who are preferred for them and have a higher score or fewer: so that a node that came late, or back, gets its
    /// share, and no address moves that need not.
    mutating func balance(at now: Duration) {
        guard now >= nextBalance else { return }
        nextBalance = now + Self.balancePause
        handOver = []
        let calm = peers.filter { $0.value.isLive(at: now) && now >= $0.value.since + Self.calm }
        guard !calm.isEmpty, !held.isEmpty else { return }
        var counts = counts()
        var rest = max(1, held.count / Self.share)
        for address in held.sorted() where rest > 0 {
            guard let candidates = wanted[address] else { continue }
            let live = candidates.filter { peers[$0]?.isLive(at: now) == true }
            guard let best = live.max(by: { prefers($1, to: $0, for: address) }), calm[best] != nil,
                prefers(best, to: node, for: address),
                score(of: best, for: address) > score(of: node, for: address)
                    || counts[node, default: 0] > counts[best, default: 0] + 1
            else { continue }
            counts[node, default: 0] -= 1
            counts[best, default: 0] += 1
            rest -= 1
            handOver.insert(address)
            pending.insert(address)
        }
    }

    /// How many addresses each node announces.
    private func counts() -> [String: Int] {
        var counts: [String: Int] = [:]
        for part in parts.values {
            for (address, claim) in part.claims where wanted[address] != nil && !isVoid(claim) {
                counts[claim.node, default: 0] += 1
            }
        }
        return counts
    }
}
