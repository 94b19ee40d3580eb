/// What the server knows by itself at one moment: a value that loops answer from until they get the next one.
package struct ZoneData: Sendable {
    /// The more specific ones first.
    package private(set) var zones: [AuthoritativeZone]
    package var names: NameTable
    /// Names with fixed addresses, as in `/etc/hosts`.
    package var hosts: HostTable

    package init(
        zones: [AuthoritativeZone] = [], names: NameTable = NameTable(), hosts: HostTable = HostTable()
    ) {
        self.zones = zones.sorted { $0.name.wire.count > $1.name.wire.count }
        self.names = names
        self.hosts = hosts
    }

    /// The zone that a name is in.
    func zone(of name: WireName) -> Int? {
        for index in zones.indices where name.suffix(zones[index].name.wire) != nil { return index }
        return nil
    }
}

/// Names with fixed addresses.
package struct HostTable: Sendable {
    package var names = NameTable()
    /// Seconds.
    package var ttl: UInt32 = 3600
    /// A name in ``zones`` that is not here is looked for elsewhere.
    package var fallsThrough = true
    /// Where it answers; empty for everywhere.
    package var zones: [DomainName] = []

    package init() {}
}
