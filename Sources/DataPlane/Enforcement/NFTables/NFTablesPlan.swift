import KubeModel
import NFTables
import NetworkTypes
import TrafficModel

/// What our table holds, and how it changes with the Services. Pure.
///
/// A change costs its own elements: a frontend has one element that tells its chain and one for each endpoint. Endpoints
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
        /// It is an address of the device, and no cluster IP.
        var isMadeOwn = false
        /// For clients inside, where that is something else.
        var inside: Inside?

        struct Inside: Hashable {
            var chain: TrafficChain
            var slots: [SocketAddress]
        }

        /// The endpoints that sessions may lead to.
        var members: Set<SocketAddress> {
            var members: Set<SocketAddress> = chain.remembers ? Set(slots) : []
            if let inside, inside.chain.remembers { members.formUnion(inside.slots) }
            return members
        }

        var chains: [TrafficChain] { [chain] + (inside.map { [$0.chain] } ?? []) }
    }

    /// The address of an endpoint that is or may be on this node.
    private struct OwnAddress: Hashable {
        var ip: IPAddress
        var isSpared: Bool
    }

    let policy: MasqueradePolicy
    let chooser: EndpointChooser
    /// Where established connections skip the rules; nil for nowhere.
    var fastPath: FastPath?
    private(set) var entries: [FrontendKey: Entry] = [:]
    /// How many frontends and guards lead to each chain.
    private(set) var chains: [TrafficChain: Int] = [.refuse: 1, .silence: 1]
    /// The numbers that chains go by in the map of treatments.
    private var numbers: [TrafficChain: UInt32] = [.refuse: 1, .silence: 2]
    private var lastNumber: UInt32 = 2
    /// The numbers that guards go by: their own names may be long.
    private var guardNumbers: [TrafficChain: Int] = [:]
    private var lastGuard = 0
    private var clusterIPs: [IPAddress: UInt32] = [:]
    private var ownIPs: [IPAddress: UInt32] = [:]
    private var hairpins: [IPAddress: UInt32] = [:]
    private var home: [IPAddress: UInt32] = [:]
    private var ownAddresses: [NamespacedName: [OwnAddress]] = [:]
    /// The numbers that endpoints had before this plan began.
    private var remembered: [FrontendKey: [Int: SocketAddress]] = [:]
    /// The numbers that chains had, by their names.
    private var rememberedNumbers: [String: UInt32] = [:]

    init(
        policy: MasqueradePolicy = MasqueradePolicy(), chooser: EndpointChooser = .rules, fastPath: FastPath? = nil
    ) {
        self.policy = policy
        self.chooser = chooser
        self.fastPath = fastPath
    }

    /// The chains that are there whatever the Services.
    var baseChains: [NFChain] { TableLayout.chains + (fastPath == nil ? [] : [FastPath.chain]) }

    /// Their rules.
    var baseRules: [NFRule] { TableLayout.rules(policy, chooser) + (fastPath == nil ? [] : FastPath.rules) }

    // MARK: Changes

    /// Takes in a batch, and returns what has to be done to the table.
    mutating func apply(
        _ changes: [FrontendPlanner.Change], of services: [ServiceChange], on node: NodeIdentity
    ) -> [NFTransaction.Operation] {
        var edits = TableEdits()
        var before = chains
        for change in changes {
            switch change {
            case .remove(let key, _): set(key, nil, on: node, &edits)
            case .set(let key, let frontend, _): set(key, frontend, on: node, &edits)
            }
        }
        for service in services { count(service, on: node, &edits) }
        for (chain, count) in chains where count > 0 && before[chain] == nil {
            edits.add(chain, named: name(chain), number: number(chain))
        }
        before = chains
        for (chain, count) in before where count <= 0 {
            edits.drop(chain, named: name(chain), number: number(chain))
            chains[chain] = nil
        }
        let operations = edits.operations(name: name, set: allowSet)
        for (chain, count) in before where count <= 0 {
            guardNumbers[chain] = nil
            numbers[chain] = nil
        }
        return operations
    }

    private mutating func set(
        _ key: FrontendKey, _ frontend: Frontend?, on node: NodeIdentity, _ edits: inout TableEdits
    ) {
        let family = key.address.ip.family
        let old = entries[key]
        var new: Entry?
        if let frontend {
            new = Entry(
                chain: TrafficChain(frontend, family: family, by: chooser.chooser(for: frontend, at: key.address.ip)),
                slots: slots(of: frontend, .all, at: key, before: old?.slots),
                isClusterIP: frontend.role == .clusterIP,
                isMasqueraded: frontend.role != .clusterIP && frontend.backend.policy == .cluster)
            new?.isMadeOwn =
                frontend.role != .clusterIP && chooser.makesOwn(key, frontend.role, besides: node.ownAddresses)
            if let endpoints = frontend.insideEndpoints {
                var inside = frontend
                (inside.endpoints, inside.absence) = (endpoints, .refused)
                new?.inside = Entry.Inside(
                    chain: TrafficChain(inside, family: family, of: .inside),
                    slots: slots(of: inside, .inside, at: key, before: old?.inside?.slots))
            }
        }
        guard old != new else { return }
        entries[key] = new
        // New ones first: a chain that both lead to stays.
        for chain in new?.chains ?? [] { hold(chain) }
        for chain in old?.chains ?? [] { release(chain) }
        edits.replace(old, with: new, at: key, names: TableLayout.Names(family), number: number)
        Self.count(key.address.ip, old?.isClusterIP, new?.isClusterIP, in: &clusterIPs, \.clusterIPs, &edits)
        Self.count(key.address.ip, old?.isMadeOwn, new?.isMadeOwn, in: &ownIPs, \.ownIPs, &edits)
    }

    /// Keeps a set of addresses equal to what some entries say.
    private static func count(
        _ ip: IPAddress, _ old: Bool?, _ new: Bool?, in counts: inout [IPAddress: UInt32],
        _ set: KeyPath<TableLayout.Names, String>, _ edits: inout TableEdits
    ) {
        guard old ?? false != new ?? false else { return }
        if new == true {
            hold(ip, in: &counts) { edits.add(TableLayout.key($0), to: set, $0.family) }
        } else {
            release(ip, in: &counts) { edits.remove(TableLayout.key($0), from: set, $0.family) }
        }
    }

    private mutating func hold(_ chain: TrafficChain) {
        chains[chain, default: 0] += 1
        // Within a batch the last use may go and the first one come: its number stays then.
        if chains[chain] == 1, let next = chain.next { hold(next) }
        if case .guarded = chain, guardNumbers[chain] == nil {
            lastGuard += 1
            guardNumbers[chain] = lastGuard
        }
        guard numbers[chain] == nil else { return }
        if let remembered = rememberedNumbers[name(chain)] {
            numbers[chain] = remembered
        } else {
            lastNumber += 1
            numbers[chain] = lastNumber
        }
    }

    private mutating func release(_ chain: TrafficChain) {
        chains[chain, default: 0] -= 1
        if chains[chain] == 0, let next = chain.next { release(next) }
    }

    /// Endpoints keep their numbers, new ones fill the gaps, and the last ones move into gaps that remain. Where clients
    /// are spread by their addresses, the numbers follow from the endpoints alone.
    private func slots(
        of frontend: Frontend, _ row: EndpointRow, at key: FrontendKey, before: [SocketAddress]?
    ) -> [SocketAddress] {
        let endpoints = frontend.endpoints
        if chooser.chooser(for: frontend, at: key.address.ip, row) == .virtualServers { return [] }
        if frontend.balancing == .consistentHash, frontend.affinitySeconds == nil, endpoints.count > 1 {
            return HashSlots.fill(endpoints)
        }
        var known: [Int: SocketAddress] = [:]
        if let before {
            known = Dictionary(uniqueKeysWithValues: zip(before.indices, before))
        } else if let remembered = remembered[key] {
            for (number, endpoint) in remembered { known[number - Int(row.first)] = endpoint }
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
        var new: Set<OwnAddress> = []
        if let service = change.after, service.form == .virtual {
            for endpoint in service.ports.lazy.flatMap(\.endpoints) {
                let isHome = node.isHome(of: endpoint)
                guard isHome || (endpoint.nodeName ?? "").isEmpty else { continue }
                new.insert(OwnAddress(ip: endpoint.address.ip, isSpared: isHome && policy.sparesHome))
            }
        }
        let old = Set(ownAddresses[change.key] ?? [])
        ownAddresses[change.key] = new.isEmpty ? nil : Array(new)
        // New ones first: an address that stays is not touched.
        for own in new.subtracting(old) {
            Self.hold(own.ip, in: &hairpins) { edits.add(TableLayout.hairpin($0), to: \.hairpins, $0.family) }
            guard own.isSpared else { continue }
            Self.hold(own.ip, in: &home) { edits.add(TableLayout.key($0), to: \.home, $0.family) }
        }
        for own in old.subtracting(new) {
            Self.release(own.ip, in: &hairpins) { edits.remove(TableLayout.hairpin($0), from: \.hairpins, $0.family) }
            guard own.isSpared else { continue }
            Self.release(own.ip, in: &home) { edits.remove(TableLayout.key($0), from: \.home, $0.family) }
        }
    }

    private static func hold(_ ip: IPAddress, in counts: inout [IPAddress: UInt32], first: (IPAddress) -> Void) {
        counts[ip, default: 0] += 1
        if counts[ip] == 1 { first(ip) }
    }

    private static func release(_ ip: IPAddress, in counts: inout [IPAddress: UInt32], last: (IPAddress) -> Void) {
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

    private func number(_ chain: TrafficChain) -> UInt32 {
        guard let number = numbers[chain] else { preconditionFailure("a chain that is in use has a number") }
        return number
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
        for element in listing.elements[TableLayout.treatments] ?? [] {
            guard element.key.count == 4, case .verdict(.goto(let name)) = element.data else { continue }
            let number = element.key.host(at: 0)
            lastNumber = max(lastNumber, number)
            // Those that are always there have theirs.
            if number > 2 { rememberedNumbers[name] = number }
        }
        // Guards have no names that tell what they admit: ours get new numbers.
        let guards = listing.chains.keys.compactMap { name in
            name.hasPrefix("guard") ? name.split(separator: "-").last.flatMap { Int($0) } : nil
        }
        lastGuard = max(lastGuard, guards.max() ?? 0)
    }

    /// The Services are all there: what the table held besides is of no more interest.
    mutating func forgetAdopted() { (remembered, rememberedNumbers) = ([:], [:]) }

    /// Visits every element that the sets which follow the Services should hold, with the name of its set, each once.
    func forEachElement(_ visit: (_ set: String, _ element: NFElement) -> Void) {
        for (key, entry) in entries {
            let names = TableLayout.Names(key.address.ip.family)
            let value = TableLayout.key(key)
            visit(names.frontends, NFElement(value, .value(TableLayout.data(treatment: number(entry.chain)))))
            if let inside = entry.inside {
                visit(names.insides, NFElement(value, .value(TableLayout.data(treatment: number(inside.chain)))))
            }
            for (row, slots) in [(EndpointRow.all, entry.slots), (.inside, entry.inside?.slots ?? [])] {
                for (number, endpoint) in slots.enumerated() {
                    let slot = TableLayout.key(key, number: number, of: row)
                    visit(names.endpoints, NFElement(slot, .value(TableLayout.data(endpoint))))
                }
            }
            for endpoint in entry.members { visit(names.members, NFElement(TableLayout.member(endpoint, of: key))) }
            if entry.isMasqueraded { visit(names.masqueraded, NFElement(value)) }
        }
        for chain in chains.keys { visit(TableLayout.treatments, TableEdits.treatment(number(chain), name(chain))) }
        for ip in clusterIPs.keys { visit(TableLayout.Names(ip.family).clusterIPs, NFElement(TableLayout.key(ip))) }
        for ip in ownIPs.keys { visit(TableLayout.Names(ip.family).ownIPs, NFElement(TableLayout.key(ip))) }
        for ip in hairpins.keys { visit(TableLayout.Names(ip.family).hairpins, NFElement(TableLayout.hairpin(ip))) }
        for ip in home.keys { visit(TableLayout.Names(ip.family).home, NFElement(TableLayout.key(ip))) }
    }

    /// What makes a table with a chain of each kind.
    mutating func trial() -> [NFTransaction.Operation] {
        for family in TableLayout.families {
            let any: IPAddress = family == .v4 ? .anyV4 : .anyV6
            guard let somebody = AddressRange(first: any, last: any) else { continue }
            let choose = TrafficChain.choose(family, count: 2, of: .inside)
            hold(.stick(family, count: 2, seconds: 1))
            hold(.hash(family, slots: HashSlots.count, of: .inside))
            hold(.guarded(family, [somebody], then: chooser == .rules ? choose : .virtualServer))
        }
        return repairs(of: nil)
    }

    /// The networks of Pods, which are there from the beginning.
    func podElements(_ family: IPFamily) -> [NFElement] {
        TableLayout.elements(of: AddressRange.merged(policy.podNetworks.filter { $0.family == family }))
    }
}
