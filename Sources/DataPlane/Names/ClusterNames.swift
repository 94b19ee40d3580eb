import DNS
import KubeModel
import NetworkTypes
import TrafficModel

/// The zone of the cluster and the reverse zones, kept up to date one change at a time. Pure.
struct ClusterNames {
    /// The version of the scheme, as `dns-version` tells it.
    static let schemeVersion = "1.1.0"

    struct Settings: Hashable, Sendable {
        var domain: DomainName
        /// Reverse zones that are answered as far as the cluster's addresses go.
        var reverseZones: [DomainName] = [.v4Reverse, .v6Reverse]
        var ttl: UInt32 = 5
        var negativeTTL: UInt32 = 5
        /// The addresses that clients reach this server by.
        var servers: [IPAddress] = []
        /// Of the zones those whose unknown names are asked for elsewhere; nil for the reverse zones.
        var fallingThrough: Set<DomainName>?
        /// `10-0-0-7.NAMESPACE.pod` stands for an address.
        var namesAddresses = true
        /// The namespaces whose Services have names; nil for all.
        var namespaces: Set<String>?

        /// Whether the same names exist, and mean the same, however long answers may be kept.
        func hasNames(of other: Settings) -> Bool {
            domain == other.domain && reverseZones == other.reverseZones && servers == other.servers
                && namespaces == other.namespaces
        }
    }

    private(set) var settings: Settings
    private(set) var table: NameTable
    private var namespaces: Set<String> = []
    private var serial: UInt32

    /// - Parameter serial: The SOA record's first.
    init(_ settings: Settings, serial: UInt32) {
        self.settings = settings
        self.serial = serial
        table = NameTable(origins: [settings.domain] + settings.reverseZones)
        table.pin(settings.domain)
        table.apply(removing: [], adding: own)
    }

    /// Others from now on, which have the names of those before (``Settings/hasNames(of:)``).
    mutating func setSettings(_ settings: Settings) {
        guard settings != self.settings else { return }
        self.settings = settings
        serial &+= 1
    }

    /// The records of the zone itself.
    private var own: [ZoneRecord] {
        let domain = settings.domain
        var records: [ZoneRecord] = [.nameServer(domain, Self.server(domain))]
        records += settings.servers.map { .address(Self.server(domain), $0) }
        if let version = domain.prefixed(by: "dns-version") { records.append(.text(version, Self.schemeVersion)) }
        return records
    }

    private static func server(_ domain: DomainName) -> DomainName {
        domain.prefixed(by: "dns")?.prefixed(by: "ns") ?? domain
    }

    /// Services changed; touches no names but theirs.
    ///
    /// - Returns: whether any name changed; if not, the zone is what it was, its serial too.
    @discardableResult
    mutating func apply(_ changes: [(before: NameSource?, after: NameSource?)]) -> Bool {
        var isChanged = false
        var gone: Set<ZoneRecord> = []
        var new: Set<ZoneRecord> = []
        for change in changes {
            let (before, after) = (serviceNames(change.before), serviceNames(change.after))
            guard before != after else { continue }
            isChanged = true
            gone.formUnion(before.records.subtracting(after.records))
            new.formUnion(after.records.subtracting(before.records))
            for name in after.empty.subtracting(before.empty) { table.pin(name) }
            for name in before.empty.subtracting(after.empty) { table.unpin(name) }
        }
        guard isChanged else { return false }
        // What one Service gives up another may have taken.
        table.apply(removing: gone.subtracting(new), adding: new)
        serial &+= 1
        return true
    }

    /// How many Services' records are made at a time where there are many: what is made before it is written down is ten times as
    /// large, and would leave holes behind everywhere.
    private static let portion = 64

    /// These Services are there, of which none was known.
    mutating func add(_ sources: [NameSource]) {
        var rest = sources[...]
        while !rest.isEmpty {
            apply(rest.prefix(Self.portion).map { (nil, $0) })
            rest = rest.dropFirst(Self.portion)
        }
    }

    private func serviceNames(_ source: NameSource?) -> ServiceNames {
        guard let source, settings.namespaces?.contains(source.service.key.namespace) ?? true else {
            return ServiceNames()
        }
        return ServiceNames(source, domain: settings.domain)
    }

    /// These namespaces exist now.
    ///
    /// - Returns: whether that is news.
    @discardableResult
    mutating func setNamespaces(_ now: Set<String>) -> Bool {
        let now = settings.namespaces.map { now.intersection($0) } ?? now
        guard now != namespaces else { return false }
        for name in now.subtracting(namespaces) { for name in Self.names(name, settings.domain) { table.pin(name) } }
        for name in namespaces.subtracting(now) { for name in Self.names(name, settings.domain) { table.unpin(name) } }
        namespaces = now
        serial &+= 1
        return true
    }

    private static func names(_ namespace: String, _ domain: DomainName) -> [DomainName] {
        ["svc", "pod"].compactMap { domain.prefixed(by: $0)?.prefixed(by: namespace) }
    }

    /// What servers answer from.
    func data() -> ZoneData {
        let domain = settings.domain
        let contact = domain.prefixed(by: "hostmaster") ?? domain
        let zones = ([domain] + settings.reverseZones).map { name in
            AuthoritativeZone(
                name: name, primary: Self.server(domain), contact: contact, serial: serial, ttl: settings.ttl,
                negativeTTL: settings.negativeTTL,
                fallsThrough: settings.fallingThrough?.contains(name) ?? (name != domain),
                addressNames: settings.namesAddresses && name == domain ? domain.prefixed(by: "pod") : nil)
        }
        return ZoneData(zones: zones, names: table)
    }
}
