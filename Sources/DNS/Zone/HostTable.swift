package import NetworkTypes

/// Names with addresses that somebody listed by hand, as in `/etc/hosts` (CoreDNS' plugin `hosts`). They go before zones.
package struct HostTable: Sendable {
    /// A line of hosts(5).
    package struct Entry: Hashable, Sendable {
        package var ip: IPAddress
        /// The first one is the one that the address leads back to.
        package var names: [DomainName]

        package init(ip: IPAddress, names: [DomainName]) {
            self.ip = ip
            self.names = names
        }
    }

    /// The names that the table is asked about; the root for all.
    package let zones: [DomainName]
    /// A name that is in none of the entries is looked for elsewhere, rather than refused.
    package let fallsThrough: Bool
    /// Seconds that answers may be kept.
    package let ttl: UInt32
    let names: NameTable
    package let count: Int

    /// - Parameter reverses: Addresses lead back to names.
    package init(
        _ entries: [Entry], zones: [DomainName] = [.root], ttl: UInt32 = 3600, fallsThrough: Bool, reverses: Bool = true
    ) {
        self.zones = zones
        self.ttl = ttl
        self.fallsThrough = fallsThrough
        var records: [ZoneRecord] = []
        for entry in entries {
            records += entry.names.map { .address($0, entry.ip) }
            if reverses, let first = entry.names.first { records.append(.pointer(.reverse(of: entry.ip), to: first)) }
        }
        var table = NameTable()
        table.apply(removing: [], adding: records)
        names = table
        count = entries.count
    }

    package var records: [ZoneRecord] { names.nodes.flatMap(\.records) }

    func covers(_ name: WireName) -> Bool { zones.contains { name.isWithin($0) } }
}
