/// Places (connections, say) by who holds them, each holder's in the order in which they were taken. Each event costs at most
/// the logarithm of the number of holders. Pure.
package struct HeldPlaces<Holder: Hashable & Sendable, ID: Hashable & Sendable>: Sendable {
    private struct Entry {
        let holder: Holder
        let number: UInt64
        var older: ID?
        var newer: ID?
    }

    private struct Share {
        var count = 0
        var oldest: ID
        var newest: ID
    }

    private var entries: [ID: Entry] = [:]
    private var shares: [Holder: Share] = [:]
    private var ranking = HolderRanking<Holder>()
    private var arrivals: UInt64 = 0

    package init() {}

    package var count: Int { entries.count }

    /// The holder of the most places and how many; of several holders the one whose oldest place is the oldest of all.
    package var largest: (holder: Holder, count: Int)? { ranking.first.map { ($0.holder, $0.count) } }

    package func count(of holder: Holder) -> Int { shares[holder]?.count ?? 0 }

    package func oldest(of holder: Holder) -> ID? { shares[holder]?.oldest }

    /// Up to `limit` of a holder's places, oldest first.
    package func oldest(of holder: Holder, limit: Int) -> [ID] {
        var found: [ID] = []
        var next = shares[holder]?.oldest
        while let id = next, found.count < limit {
            found.append(id)
            next = entries[id]?.newer
        }
        return found
    }

    /// A place is taken; one that was taken already goes to its new holder, as his newest.
    package mutating func take(_ id: ID, for holder: Holder) {
        give(id)
        arrivals += 1
        var share = shares[holder] ?? Share(oldest: id, newest: id)
        let older = share.count > 0 ? share.newest : nil
        entries[id] = Entry(holder: holder, number: arrivals, older: older)
        if let older { entries[older]?.newer = id }
        share.newest = id
        share.count += 1
        keep(share, holder)
    }

    /// A place is free again. Harmless for one that is not taken.
    package mutating func give(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id), var share = shares[entry.holder] else { return }
        if let older = entry.older { entries[older]?.newer = entry.newer }
        if let newer = entry.newer { entries[newer]?.older = entry.older }
        guard let oldest = entry.older == nil ? entry.newer : share.oldest,
            let newest = entry.newer == nil ? entry.older : share.newest
        else {
            shares[entry.holder] = nil
            return ranking.remove(entry.holder)
        }
        share.oldest = oldest
        share.newest = newest
        share.count -= 1
        keep(share, entry.holder)
    }

    private mutating func keep(_ share: Share, _ holder: Holder) {
        shares[holder] = share
        let number = entries[share.oldest]?.number ?? 0
        ranking.update(.init(holder: holder, count: share.count, oldest: number))
    }
}
