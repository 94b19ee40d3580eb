/// What concerns one part of the name space.
protocol OfZone {
    /// The root for everything.
    var zone: DomainName { get }
}

extension Array where Element: OfZone {
    /// The place of the one with the most specific zone that has a name.
    func index(for name: WireName) -> Int? {
        var best: Int?
        var length = 0
        for index in indices where self[index].zone.wire.count > length && name.isWithin(self[index].zone) {
            (best, length) = (index, self[index].zone.wire.count)
        }
        return best
    }
}
