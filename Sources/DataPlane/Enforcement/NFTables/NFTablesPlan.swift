import KubeModel
import NFTables
import NetworkTypes
import TrafficModel

/// What our table holds, and how it changes with the Services. Pure.
///
/// A change costs its own elements: a frontend has one element in the verdict map and one for each endpoint. Endpoints
/// keep their numbers as others come and go; the last one moves into a gap. Chains are shared by all frontends that
/// treat traffic alike, and live as long as one does.
struct NFTablesPlan {
    /// What is in effect for one address.
    struct Entry: Hashable {
        var chain: TrafficChain
        /// The endpoints by their numbers.
        var slots: [SocketAddress]
        var isClusterIP: Bool
        var isMasqueraded: Bool

        /// Whether sessions may lead to the endpoints.
        var remembers: Bool {
            if case .stick = chain { return true }
            if case .guarded(_, _, then: .stick) = chain { return true }
            return false
        }
    }

    let policy: MasqueradePolicy
    private(set) var entries: [FrontendKey: Entry] = [:]
    /// How many frontends and guards lead to each chain.
    private(set) var chains: [TrafficChain: Int] = [.refuse: 1, .silence: 1]
    /// The numbers that guards go by: their own names may be long.
    private var guardNumbers: [TrafficChain: Int] = [:]
    private var lastGuard = 0
    private var clusterIPs: [IPAddress: Int] = [:]
    private var hairpins: [IPAddress: Int] = [:]
    private var home: [IPAddress: Int] = [:]
    private var addressesOfService: [NamespacedName: (hairpins: Set<IPAddress>, home: Set<IPAddress>)] = [:]
    /// The numbers that endpoints had before this plan began.
    private var remembered: [FrontendKey: [Int: SocketAddress]] = [:]

    init(policy: MasqueradePolicy = MasqueradePolicy()) { self.policy = policy }

    // MARK: Changes

    /// Takes in a batch, and returns what has to be done to the table.
    mutating func apply(
        _ changes: [FrontendPlanner.Change], of services: [ServiceChange], on node: NodeIdentity
    ) -> [NFTransaction.Operation] {
        var edits = TableEdits()
        var before = chains
        for change in changes {
            switch change {
            case .remove(let key, _): set(key, nil, &edits)
            case .set(let key, let frontend, _): set(key, frontend, &edits)
            }
        }
        for service in services { count(service, on: node, &edits) }
        for (chain, count) in chains where count > 0 && before[chain] == nil { edits.add(chain) }
        before = chains
        for (chain, count) in before where count <= 0 {
            edits.drop(chain)
            chains[chain] = nil
        }
        let operations = edits.operations(name: name, set: allowSet)
        for (chain, count) in before where count <= 0 { guardNumbers[chain] = nil }
        return operations
    }

    private mutating func set(_ key: FrontendKey, _ frontend: Frontend?, _ edits: inout TableEdits) {
        let family = key.address.ip.family
        let old = entries[key]
        var new: Entry?
        if let frontend {
            new = Entry(
                chain: TrafficChain(frontend, family: family),
                slots: slots(for: frontend.endpoints, at: key, before: old?.slots),
                isClusterIP: frontend.role == .clusterIP,
                isMasqueraded: frontend.role != .clusterIP && frontend.backend.policy == .cluster)
        }
        guard old != new else { return }
        entries[key] = new
        // New ones first: a chain that both lead to stays.
        if let new { hold(new.chain) }
        if let old { release(old.chain) }
        edits.replace(old, with: new, at: key, names: TableLayout.Names(family))
        if old?.isClusterIP != new?.isClusterIP {
            if new?.isClusterIP == true {
                Self.hold(key.address.ip, in: &clusterIPs) { edits.add(TableLayout.key($0), to: \.clusterIPs, family) }
            }
            if old?.isClusterIP == true {
                Self.release(key.address.ip, in: &clusterIPs) {
                    edits.remove(TableLayout.key($0), from: \.clusterIPs, family)
                }
            }
        }
    }

    private mutating func hold(_ chain: TrafficChain) {
        chains[chain, default: 0] += 1
        if case .guarded = chain, guardNumbers[chain] == nil {
            lastGuard += 1
            guardNumbers[chain] = lastGuard
            if let next = chain.next { hold(next) }
        }
    }

    private mutating func release(_ chain: TrafficChain) {
        chains[chain, default: 0] -= 1
        if chains[chain] == 0, let next = chain.next { release(next) }
    }

    /// Endpoints keep their numbers, new ones fill the gaps, and the last ones move into gaps that remain.
    private mutating func slots(for endpoints: [SocketAddress], at key: FrontendKey, before: [SocketAddress]?)
        -> [SocketAddress]
    {
        var known: [Int: SocketAddress] = [:]
        if let before {
            known = Dictionary(uniqueKeysWithValues: zip(before.indices, before))
        } else if let remembered = remembered.removeValue(forKey: key) {
            known = remembered
        }
        guard !known.isEmpty else { return endpoints }
        let wanted = Set(endpoints)
        var result = [SocketAddress?](repeating: nil, count: endpoints.count)
        var placed: Set<SocketAddress> = []
        for (number, endpoint) in known
        where result.indices.contains(number) && wanted.contains(endpoint) && placed.insert(endpoint).inserted {
            result[number] = endpoint
        }
        var rest = endpoints.filter { !placed.contains($0) }[...]
        return result.compactMap { $0 ?? rest.popFirst() }
    }

    // MARK: Addresses of endpoints

    /// An endpoint that may be on this node may ask itself through its Service; only of one that says so is it known.
    private mutating func count(_ change: ServiceChange, on node: NodeIdentity, _ edits: inout TableEdits) {
        var new: (hairpins: Set<IPAddress>, home: Set<IPAddress>) = ([], [])
        if let service = change.after, service.form == .virtual {
            for endpoint in service.ports.lazy.flatMap(\.endpoints) {
                let ip = endpoint.address.ip
                let isHome = node.isHome(of: endpoint)
                if isHome || (endpoint.nodeName ?? "").isEmpty { new.hairpins.insert(ip) }
                if isHome, policy.sparesHome { new.home.insert(ip) }
            }
        }
        let old = addressesOfService[change.key] ?? ([], [])
        addressesOfService[change.key] = new.hairpins.isEmpty ? nil : new
        for ip in new.hairpins.subtracting(old.hairpins) {
            Self.hold(ip, in: &hairpins) { edits.add(TableLayout.hairpin($0), to: \.hairpins, $0.family) }
        }
        for ip in old.hairpins.subtracting(new.hairpins) {
            Self.release(ip, in: &hairpins) { edits.remove(TableLayout.hairpin($0), from: \.hairpins, $0.family) }
        }
        for ip in new.home.subtracting(old.home) {
            Self.hold(ip, in: &home) { edits.add(TableLayout.key($0), to: \.home, $0.family) }
        }
        for ip in old.home.subtracting(new.home) {
            Self.release(ip, in: &home) { edits.remove(TableLayout.key($0), from: \.home, $0.family) }
        }
    }

    private static func hold(_ ip: IPAddress, in counts: inout [IPAddress: Int], first: (IPAddress) -> Void) {
        counts[ip, default: 0] += 1
        if counts[ip] == 1 { first(ip) }
    }

    private static func release(_ ip: IPAddress, in counts: inout [IPAddress: Int], last: (IPAddress) -> Void) {
        counts[ip, default: 0] -= 1
        if counts[ip] == 0 {
            counts[ip] = nil
            last(ip)
        }
    }

    // MARK: Names

    func name(_ chain: TrafficChain) -> String {
        guard case .guarded(let family, _, _) = chain else { return chain.name }
        return "guard\(family == .v4 ? 4 : 6)-\(guardNumbers[chain] ?? 0)"
    }

    func allowSet(_ chain: TrafficChain) -> String {
        guard case .guarded(let family, _, _) = chain else { return "" }
        return "allow\(family == .v4 ? 4 : 6)-\(guardNumbers[chain] ?? 0)"
    }

    // MARK: The whole

    /// Learns from what the table holds, before the first changes: endpoints get the numbers that they have there, so
    /// that little is to be done after a restart.
    mutating func adopt(_ listing: NFListing) {
        for family in TableLayout.families {
            for element in listing.elements[TableLayout.Names(family).endpoints] ?? [] {
                guard let slot = TableLayout.slot(element, family) else { continue }
                remembered[slot.0, default: [:]][slot.number] = slot.2
            }
        }
        // Guards have no names that tell what they admit: ours get new numbers.
        let numbers = listing.chains.keys.compactMap { name in
            name.hasPrefix("guard") ? name.split(separator: "-").last.flatMap { Int($0) } : nil
        }
        lastGuard = max(lastGuard, numbers.max() ?? 0)
    }

    /// The Services are all there: what the table held besides is of no more interest.
    mutating func forgetAdopted() { remembered = [:] }

    /// The sets of the table as they should be, by name.
    func wantedElements() -> [String: [NFValue: NFElement]] {
        var result: [String: [NFValue: NFElement]] = [:]
        func add(_ key: NFValue, _ data: NFElement.Data, to set: String) {
            result[set, default: [:]][key] = NFElement(key, data)
        }
        for (key, entry) in entries {
            let names = TableLayout.Names(key.address.ip.family)
            add(TableLayout.key(key), .verdict(.goto(name(entry.chain))), to: names.frontends)
            for (number, endpoint) in entry.slots.enumerated() {
                add(TableLayout.key(key, number: number), .value(TableLayout.data(endpoint)), to: names.endpoints)
                if entry.remembers { add(TableLayout.member(endpoint, of: key), .none, to: names.members) }
            }
            if entry.isMasqueraded { add(TableLayout.key(key), .none, to: names.masqueraded) }
        }
        for ip in clusterIPs.keys { add(TableLayout.key(ip), .none, to: TableLayout.Names(ip.family).clusterIPs) }
        for ip in hairpins.keys { add(TableLayout.hairpin(ip), .none, to: TableLayout.Names(ip.family).hairpins) }
        for ip in home.keys { add(TableLayout.key(ip), .none, to: TableLayout.Names(ip.family).home) }
        return result
    }

    /// The networks of Pods, which are there from the beginning.
    func podElements(_ family: IPFamily) -> [NFElement] {
        TableLayout.elements(of: AddressRange.merged(policy.podNetworks.filter { $0.family == family }))
    }
}
