package import NetworkTypes

/// Who is answered about which names and types (CoreDNS' plugin `acl`). The first rule that fits decides; without one the
/// question is answered.
package struct AccessList: Hashable, Sendable {
    package enum Action: String, Hashable, Sendable {
        case allow
        /// REFUSED.
        case block
        /// NOERROR without records.
        case filter
        /// Nothing is sent.
        case drop
    }

    package struct Rule: Hashable, Sendable {
        package var action: Action
        /// Nil for every type.
        package var types: Set<RecordType>?
        /// Nil for everybody.
        package var networks: [CIDR]?

        package init(_ action: Action, types: Set<RecordType>? = nil, networks: [CIDR]? = nil) {
            self.action = action
            self.types = types
            self.networks = networks
        }

        func fits(_ type: RecordType, _ ip: IPAddress) -> Bool {
            (types?.contains(type) ?? true) && (networks?.contains { $0.contains(ip) } ?? true)
        }
    }

    /// Names within these; the root for all.
    package var zones: [DomainName]
    package var rules: [Rule]

    package init(zones: [DomainName], rules: [Rule]) {
        self.zones = zones
        self.rules = rules
    }

    /// Nobody is answered about these zones.
    package static func closing(_ zones: [DomainName]) -> AccessList {
        AccessList(zones: zones, rules: [Rule(.block)])
    }

    /// Nil where no rule fits.
    func action(_ name: WireName, _ type: RecordType, _ ip: IPAddress) -> Action? {
        guard zones.contains(where: { name.isWithin($0) }) else { return nil }
        return rules.first { $0.fits(type, ip) }?.action
    }
}
