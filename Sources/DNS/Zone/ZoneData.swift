/// What the server knows by itself at one moment: a value that loops answer from until they get the next one.
package struct ZoneData: Sendable {
    /// The more specific ones first.
    package private(set) var zones: [AuthoritativeZone]
    package var names: NameTable

    package init(zones: [AuthoritativeZone] = [], names: NameTable = NameTable()) {
        self.zones = zones.sorted { $0.name.wire.count > $1.name.wire.count }
        self.names = names
    }

    /// The zone that a name is in.
    func zone(of name: WireName) -> Int? {
        for index in zones.indices where name.suffix(zones[index].name.wire) != nil { return index }
        return nil
    }
}
