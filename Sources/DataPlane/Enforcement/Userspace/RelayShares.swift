import KubeModel
import Transport

/// Who holds the places of relayed connections, over all loops, and who gives one up when there are none left.
///
/// What counts is how many connections one peer has to one Service: no peer can take a Service from others, nor the other
/// Services from them, and many peers that crowd one Service cost only that. A place goes from whoever has the most to
/// whoever has less; of as many each, from the Service that has the most. The oldest goes. Pure.
struct RelayShares: Sendable {
    struct Place: Hashable, Sendable {
        /// The relay that has the connection, and its number there.
        var relay: Int
        var number: UInt64
    }

    struct Holder: Hashable, Sendable {
        var service: NamespacedName
        var peer: PeerKey
    }

    struct Victim: Hashable, Sendable {
        var place: Place
        var holder: Holder
        /// How many that holder had.
        var count: Int
    }

    private var byHolder = HeldPlaces<Holder, Place>()
    private var byService = HeldPlaces<NamespacedName, Place>()
    private var holders: [Place: Holder] = [:]

    var count: Int { holders.count }

    func count(of holder: Holder) -> Int { byHolder.count(of: holder) }

    mutating func take(_ place: Place, for holder: Holder) {
        byHolder.take(place, for: holder)
        byService.take(place, for: holder.service)
        holders[place] = holder
    }

    /// Harmless for a place that is not taken.
    mutating func give(_ place: Place) {
        byHolder.give(place)
        byService.give(place)
        holders[place] = nil
    }

    /// Whose place a newcomer gets, which is free from then on; nil where nobody has more than the newcomer would have.
    mutating func makeRoom(for newcomer: Holder) -> Victim? {
        guard let victim = victim(for: newcomer) else { return nil }
        give(victim.place)
        return victim
    }

    private func victim(for newcomer: Holder) -> Victim? {
        guard let largest = byHolder.largest else { return nil }
        let own = byHolder.count(of: newcomer) + 1
        if largest.count > own {
            return byHolder.oldest(of: largest.holder).map {
                Victim(place: $0, holder: largest.holder, count: largest.count)
            }
        }
        guard largest.count == own, let crowded = byService.largest,
            crowded.count > byService.count(of: newcomer.service) + 1,
            let place = byService.oldest(of: crowded.holder), let holder = holders[place]
        else { return nil }
        let count = byHolder.count(of: holder)
        return count < own ? nil : Victim(place: place, holder: holder, count: count)
    }
}
