import NFTables
import NetworkTypes
import TrafficModel

/// The changes of one batch, collected and put into an order that the kernel accepts: chains before what leads to them,
/// the old element of a key before the new one.
struct TableEdits {
    private var added: [TrafficChain] = []
    private var dropped: [TrafficChain] = []
    private var removals: [String: [NFElement]] = [:]
    private var additions: [String: [NFElement]] = [:]
    private var verdicts: [(set: String, key: NFValue, chain: TrafficChain, isAdded: Bool)] = []

    mutating func add(_ chain: TrafficChain) { added.append(chain) }

    mutating func drop(_ chain: TrafficChain) { dropped.append(chain) }

    mutating func add(_ key: NFValue, to set: KeyPath<TableLayout.Names, String>, _ family: IPFamily) {
        additions[TableLayout.Names(family)[keyPath: set], default: []].append(NFElement(key))
    }

    mutating func remove(_ key: NFValue, from set: KeyPath<TableLayout.Names, String>, _ family: IPFamily) {
        removals[TableLayout.Names(family)[keyPath: set], default: []].append(NFElement(key))
    }

    /// The elements of one frontend.
    mutating func replace(
        _ old: NFTablesPlan.Entry?, with new: NFTablesPlan.Entry?, at key: FrontendKey, names: TableLayout.Names
    ) {
        let value = TableLayout.key(key)
        if old?.chain != new?.chain {
            if let old { verdicts.append((names.frontends, value, old.chain, false)) }
            if let new { verdicts.append((names.frontends, value, new.chain, true)) }
        }
        if old?.isMasqueraded ?? false != new?.isMasqueraded ?? false {
            if new?.isMasqueraded == true {
                additions[names.masqueraded, default: []].append(NFElement(value))
            } else {
                removals[names.masqueraded, default: []].append(NFElement(value))
            }
        }
        let (before, after) = (old?.slots ?? [], new?.slots ?? [])
        for number in 0..<max(before.count, after.count) {
            let (from, to) = (
                number < before.count ? before[number] : nil, number < after.count ? after[number] : nil
            )
            guard from != to else { continue }
            let slot = TableLayout.key(key, number: number)
            if let from {
                removals[names.endpoints, default: []].append(NFElement(slot, .value(TableLayout.data(from))))
            }
            if let to {
                additions[names.endpoints, default: []].append(NFElement(slot, .value(TableLayout.data(to))))
            }
        }
        let formerly = old?.remembers == true ? Set(before) : []
        let now = new?.remembers == true ? Set(after) : []
        for endpoint in formerly.subtracting(now) {
            removals[names.members, default: []].append(NFElement(TableLayout.member(endpoint, of: key)))
        }
        for endpoint in now.subtracting(formerly) {
            additions[names.members, default: []].append(NFElement(TableLayout.member(endpoint, of: key)))
        }
    }

    /// - Parameters:
    ///   - name: what a chain is called.
    ///   - set: the name of the networks that a guard admits.
    func operations(name: (TrafficChain) -> String, set: (TrafficChain) -> String) -> [NFTransaction.Operation] {
        var operations: [NFTransaction.Operation] = []
        for chain in added { operations.append(.addChain(NFChain(name(chain)))) }
        for chain in added { operations += Self.filling(chain, name: name, set: set) }
        var removals = removals
        var additions = additions
        for verdict in verdicts {
            let element = NFElement(verdict.key, .verdict(.goto(name(verdict.chain))))
            if verdict.isAdded {
                additions[verdict.set, default: []].append(element)
            } else {
                removals[verdict.set, default: []].append(element)
            }
        }
        for (set, elements) in removals.sorted(by: { $0.key < $1.key }) {
            operations.append(.deleteElements(set: set, elements))
        }
        for (set, elements) in additions.sorted(by: { $0.key < $1.key }) {
            operations.append(.addElements(set: set, elements))
        }
        // A guard's rules lead to another chain: all rules first.
        for chain in dropped { operations.append(.flushChain(name(chain))) }
        for chain in dropped { operations.append(.deleteChain(name(chain))) }
        for chain in dropped where chain.next != nil { operations.append(.deleteSet(set(chain))) }
        return operations
    }

    /// The rules of a chain that is there, with the set that they use.
    static func filling(
        _ chain: TrafficChain, name: (TrafficChain) -> String, set: (TrafficChain) -> String
    ) -> [NFTransaction.Operation] {
        var operations: [NFTransaction.Operation] = []
        if case .guarded(let family, let ranges, _) = chain {
            var allowed = NFSet(set(chain), key: family == .v4 ? .ipv4Address : .ipv6Address)
            allowed.isInterval = true
            operations.append(.addSet(allowed))
            operations.append(.addElements(set: allowed.name, TableLayout.elements(of: ranges)))
        }
        return operations + chain.rules(in: name(chain), allowing: set(chain)).map { .addRule($0) }
    }
}
