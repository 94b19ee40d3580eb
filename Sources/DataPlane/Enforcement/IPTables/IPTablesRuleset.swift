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

    /// What changes the rules of some Services, and touches nothing else. Empty rules are those of a Service that is
    /// gone.
    func change(_ changes: [NamespacedName: IPTablesServiceRules]) -> RestoreScript {
        let services = changes.sorted { $0.key < $1.key }
        var script = RestoreScript()
        script.table(.filter) { changeDispatch(.filter, services, &$0) }
        script.table(.nat) { script in
            var gone: [(String, NamespacedName)] = []
            var new: [(String, [String], NamespacedName)] = []
            for (service, rules) in services {
                let before = standing[service]?.chains ?? [:]
                for (chain, lines) in rules.chains.sorted(by: { $0.key < $1.key })
                where before[chain] != lines.hashValue {
                    script.chain(chain, of: service)
                    new.append((chain, lines, service))
                }
                for chain in before.keys.sorted() where rules.chains[chain] == nil {
                    script.chain(chain, of: service)
                    gone.append((chain, service))
                }
            }
            changeDispatch(.nat, services, &script)
            for (chain, lines, service) in new {
                for line in lines { script.add("-A \(chain) \(line)", of: service) }
            }
            for (chain, service) in gone { script.add("-X \(chain)", of: service) }
        }
        return script
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
    func replacement(_ all: [NamespacedName: IPTablesServiceRules], over listing: IPTablesListing) -> RestoreScript {
        let services = all.sorted { $0.key < $1.key }
        var script = RestoreScript()
        for table in IPTablesTable.allCases {
            script.table(table) { script in
                for chain in IPTablesFrame.chains[table] ?? [] { script.chain(chain, of: nil) }
                var stale = listing.chains[table] ?? [:]
                for chain in IPTablesFrame.chains[table] ?? [] { stale[chain] = nil }
                if table == .nat {
                    for (service, rules) in services {
                        for chain in rules.chains.keys.sorted() {
                            script.chain(chain, of: service)
                            stale[chain] = nil
                        }
                    }
                }
                for chain in stale.keys.sorted() { script.chain(chain, of: nil) }
                // All or none: the guard stands before what lets in.
                let entrances = IPTablesFrame.entrances.filter { $0.table == table }
                if !entrances.allSatisfy(listing.hasEntrance) {
                    for line in listing.entrances[table] ?? [] { script.add("-D" + line.dropFirst(2), of: nil) }
                    for entrance in entrances.reversed() {
                        script.add("-I \(entrance.chain) \(entrance.rule)", of: nil)
                    }
                }
                for (service, rules) in services {
                    for chain in IPTablesDispatch.allCases where chain.table == table {
                        for line in rules.dispatch[chain] ?? [] { script.add("-A \(chain.chain) \(line)", of: service) }
                    }
                    guard table == .nat else { continue }
                    for (chain, lines) in rules.chains.sorted(by: { $0.key < $1.key }) {
                        for line in lines { script.add("-A \(chain) \(line)", of: service) }
                    }
                }
                for (chain, lines) in frame.rules(table) {
                    for line in lines { script.add("-A \(chain) \(line)", of: nil) }
                }
                for chain in stale.keys.sorted() { script.add("-X \(chain)", of: nil) }
            }
        }
        return script
    }

    /// What removes everything of ours.
    static func removal(of listing: IPTablesListing) -> RestoreScript {
        var script = RestoreScript()
        for table in IPTablesTable.allCases {
            script.table(table) { script in
                let chains = (listing.chains[table] ?? [:]).keys.sorted()
                for chain in chains { script.chain(chain, of: nil) }
                for entrance in listing.entrances[table] ?? [] {
                    script.add("-D" + entrance.dropFirst(2), of: nil)
                }
                for chain in chains { script.add("-X \(chain)", of: nil) }
            }
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
