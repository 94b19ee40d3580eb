import KubeModel

/// What was committed to the kernel's tables of one address family, and the scripts that lead from there to what is
/// wanted. Pure: running scripts, and telling that they ran, is the enforcer's.
struct IPTablesRuleset {
    /// What is in effect for one Service.
    private struct Standing {
        /// Its chains, each with a fingerprint of its rules: their text would be most of the process's memory.
        var chains: [String: Int]
        var dispatch: [IPTablesDispatch: [String]]

        init(_ rules: IPTablesServiceRules) {
            chains = rules.chains.mapValues { rules in rules.hashValue }
            dispatch = rules.dispatch
        }
    }

    let frame: IPTablesFrame
    private var standing: [NamespacedName: Standing] = [:]
    private var ruleCounts: [String: Int] = [:]

    /// Nothing is in effect.
    init(_ frame: IPTablesFrame) { self.frame = frame }

    // MARK: Scripts

    /// How many chains one transaction may name. `iptables-restore --noflush` of the kind that uses nftables keeps a sorted
    /// list of them, which it walks from its head for each line: with 30,000 in one transaction it takes two minutes, in
    /// transactions of this size four seconds.
    static let chainLimit = 600

    /// What changes the rules of some Services, and touches nothing else. Empty rules are those of a Service that is
    /// gone.
    ///
    /// A few Services change in one transaction. Of many, the chains come first, then what leads to them, and what nothing
    /// leads to any more goes last: at every moment each Service has its rules of before or of after.
    func change(_ changes: [NamespacedName: IPTablesServiceRules]) -> RestoreScript {
        let services = changes.sorted { $0.key < $1.key }
        var new: [OwnChains] = []
        var gone: [(chain: String, service: NamespacedName)] = []
        for (service, rules) in services {
            let before = standing[service]?.chains ?? [:]
            let changed = rules.chains.filter { before[$0.key] != $0.value.hashValue }
            if !changed.isEmpty { new.append(OwnChains(service, changed)) }
            gone += before.keys.filter { rules.chains[$0] == nil }.sorted().map { ($0, service) }
        }
        var script = RestoreScript()
        script.table(.filter) { changeDispatch(.filter, services, &$0) }
        if new.reduce(gone.count, { $0 + $1.chains.count }) <= Self.chainLimit {
            script.table(.nat) { script in
                for own in new { own.declare(in: &script) }
                for (chain, service) in gone { script.chain(chain, of: service) }
                changeDispatch(.nat, services, &script)
                for own in new { own.fill(in: &script) }
                for (chain, service) in gone { script.add("-X \(chain)", of: service) }
            }
        } else {
            Self.add(new, &script)
            script.table(.nat) { changeDispatch(.nat, services, &$0) }
            Self.remove(gone.map { ($0.chain, $0.service) }, &script)
        }
        return script
    }

    /// The chains of one Service that are to be written.
    private struct OwnChains {
        let service: NamespacedName
        let chains: [(name: String, lines: [String])]

        init(_ service: NamespacedName, _ chains: [String: [String]]) {
            self.service = service
            self.chains = chains.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }

        func declare(in script: inout RestoreScript) {
            for chain in chains { script.chain(chain.name, of: service) }
        }

        func fill(in script: inout RestoreScript) {
            for (name, lines) in chains { for line in lines { script.add("-A \(name) \(line)", of: service) } }
        }
    }

    /// Writes chains, those of one Service always in one transaction: they lead to each other.
    private static func add(_ all: [OwnChains], _ script: inout RestoreScript) {
        var rest = all[...]
        while !rest.isEmpty {
            var count = 0
            let part = rest.prefix { own in
                defer { count += own.chains.count }
                return count == 0 || count + own.chains.count <= chainLimit
            }
            rest = rest.dropFirst(part.count)
            script.table(.nat) { script in
                for own in part { own.declare(in: &script) }
                for own in part { own.fill(in: &script) }
            }
        }
    }

    /// Removes chains that nothing else leads to. They may lead to each other: all are emptied before the first one goes.
    private static func remove(_ chains: [(name: String, owner: NamespacedName?)], _ script: inout RestoreScript) {
        for start in stride(from: 0, to: chains.count, by: chainLimit) {
            script.table(.nat) { script in
                for (name, owner) in chains[start...].prefix(chainLimit) { script.chain(name, of: owner) }
            }
        }
        for start in stride(from: 0, to: chains.count, by: chainLimit) {
            script.table(.nat) { script in
                for (name, owner) in chains[start...].prefix(chainLimit) { script.add("-X \(name)", of: owner) }
            }
        }
    }

    private func changeDispatch(
        _ table: IPTablesTable, _ services: [(key: NamespacedName, value: IPTablesServiceRules)],
        _ script: inout RestoreScript
    ) {
        for (service, rules) in services {
            for chain in IPTablesDispatch.allCases where chain.table == table {
                let before = standing[service]?.dispatch[chain] ?? []
                let after = rules.dispatch[chain] ?? []
                guard before != after else { continue }
                // A rule that is not there is nobody's fault but that of whoever flushed it.
                for line in before where !after.contains(line) { script.add("-D \(chain.chain) \(line)", of: nil) }
                // At the head: the last rules of these chains are the frame's.
                for line in after where !before.contains(line) { script.add("-I \(chain.chain) \(line)", of: service) }
            }
        }
    }

    /// What makes the tables have these rules and no others of ours, whatever they have.
    ///
    /// Each table changes in one transaction, but for many Services: see `change`.
    func replacement(_ all: [NamespacedName: IPTablesServiceRules], over listing: IPTablesListing) -> RestoreScript {
        let services = all.sorted { $0.key < $1.key }
        let own = services.filter { !$0.value.chains.isEmpty }.map { OwnChains($0.key, $0.value.chains) }
        let shared = IPTablesFrame.chains[.nat] ?? []
        let wanted = Set(own.lazy.flatMap { $0.chains.lazy.map(\.name) }).union(shared)
        let stale = (listing.chains[.nat] ?? [:]).keys.filter { !wanted.contains($0) }.sorted()
        var script = RestoreScript()
        script.table(.filter) { script in
            for chain in IPTablesFrame.chains[.filter] ?? [] { script.chain(chain, of: nil) }
            replaceShared(.filter, services, over: listing, &script)
        }
        if wanted.count + stale.count <= Self.chainLimit {
            script.table(.nat) { script in
                for chain in shared { script.chain(chain, of: nil) }
                for own in own { own.declare(in: &script) }
                for chain in stale { script.chain(chain, of: nil) }
                for own in own { own.fill(in: &script) }
                replaceShared(.nat, services, over: listing, &script)
                for chain in stale { script.add("-X \(chain)", of: nil) }
            }
        } else {
            // What the Services' own chains lead to.
            script.table(.nat) { script in
                let marks = frame.rules(.nat).filter { IPTablesFrame.markChains.contains($0.chain) }
                for (chain, _) in marks { script.chain(chain, of: nil) }
                for (chain, lines) in marks { for line in lines { script.add("-A \(chain) \(line)", of: nil) } }
            }
            Self.add(own, &script)
            script.table(.nat) { script in
                for chain in shared { script.chain(chain, of: nil) }
                replaceShared(.nat, services, over: listing, &script)
            }
            Self.remove(stale.map { ($0, nil) }, &script)
        }
        return script
    }

    /// Fills the chains that all Services share, and leads into them.
    private func replaceShared(
        _ table: IPTablesTable, _ services: [(key: NamespacedName, value: IPTablesServiceRules)],
        over listing: IPTablesListing, _ script: inout RestoreScript
    ) {
        // All or none: the guard stands before what lets in.
        let entrances = IPTablesFrame.entrances.filter { $0.table == table }
        if !entrances.allSatisfy(listing.hasEntrance) {
            for line in listing.entrances[table] ?? [] { script.add("-D" + line.dropFirst(2), of: nil) }
            for entrance in entrances.reversed() { script.add("-I \(entrance.chain) \(entrance.rule)", of: nil) }
        }
        for (service, rules) in services {
            for chain in IPTablesDispatch.allCases where chain.table == table {
                for line in rules.dispatch[chain] ?? [] { script.add("-A \(chain.chain) \(line)", of: service) }
            }
        }
        for (chain, lines) in frame.rules(table) {
            for line in lines { script.add("-A \(chain) \(line)", of: nil) }
        }
    }

    /// What removes everything of ours.
    static func removal(of listing: IPTablesListing) -> RestoreScript {
        var script = RestoreScript()
        for table in IPTablesTable.allCases {
            let chains = (listing.chains[table] ?? [:]).keys.sorted()
            script.table(table) { script in
                for entrance in listing.entrances[table] ?? [] {
                    script.add("-D" + entrance.dropFirst(2), of: nil)
                }
                guard chains.count <= chainLimit else { return }
                for chain in chains { script.chain(chain, of: nil) }
                for chain in chains { script.add("-X \(chain)", of: nil) }
            }
            // Only Services' chains can be many.
            if table == .nat, chains.count > chainLimit { remove(chains.map { ($0, nil) }, &script) }
        }
        return script
    }

    // MARK: What is in effect

    /// The script of `change` ran.
    mutating func commit(_ changes: [NamespacedName: IPTablesServiceRules]) {
        for (service, rules) in changes {
            for chain in (standing[service]?.chains ?? [:]).keys { ruleCounts[chain] = nil }
            for (chain, lines) in rules.chains { ruleCounts[chain] = lines.count }
            standing[service] = rules == IPTablesServiceRules() ? nil : Standing(rules)
        }
    }

    /// The script of `replacement` ran.
    mutating func commitReplacement(_ all: [NamespacedName: IPTablesServiceRules]) {
        standing = [:]
        ruleCounts = [:]
        commit(all)
    }

    /// Whether a listing has what was committed: every chain with as many rules, and every entrance.
    func agrees(with listing: IPTablesListing) -> Bool {
        guard IPTablesFrame.entrances.allSatisfy({ listing.hasEntrance($0) }) else { return false }
        for table in IPTablesTable.allCases {
            var wanted = table == .nat ? ruleCounts : [:]
            for chain in IPTablesFrame.chains[table] ?? [] { wanted[chain] = 0 }
            for (chain, lines) in frame.rules(table) { wanted[chain, default: 0] += lines.count }
            for standing in standing.values {
                for (chain, lines) in standing.dispatch where chain.table == table {
                    wanted[chain.chain, default: 0] += lines.count
                }
            }
            guard listing.chains[table] ?? [:] == wanted else { return false }
        }
        return true
    }
}

extension IPTablesServiceRules {
    /// Those of a Service that is gone.
    init() {}
}
