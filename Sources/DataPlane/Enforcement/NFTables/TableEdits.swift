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

    mutating func add(_ chain: TrafficChain, named name: String, number: UInt32) {
        added.append(chain)
        additions[TableLayout.treatments, default: []].append(Self.treatment(number, name))
    }

    mutating func drop(_ chain: TrafficChain, named name: String, number: UInt32) {
        dropped.append(chain)
        removals[TableLayout.treatments, default: []].append(Self.treatment(number, name))
    }

    static func treatment(_ number: UInt32, _ name: String) -> NFElement {
        NFElement(TableLayout.key(treatment: number), .verdict(.goto(name)))
    }

    mutating func add(_ key: NFValue, to set: KeyPath<TableLayout.Names, String>, _ family: IPFamily) {
        additions[TableLayout.Names(family)[keyPath: set], default: []].append(NFElement(key))
    }

    mutating func remove(_ key: NFValue, from set: KeyPath<TableLayout.Names, String>, _ family: IPFamily) {
        removals[TableLayout.Names(family)[keyPath: set], default: []].append(NFElement(key))
    }

    /// The elements of one frontend.
    ///
    /// - Parameter number: of a chain.
    mutating func replace(
        _ old: NFTablesPlan.Entry?, with new: NFTablesPlan.Entry?, at key: FrontendKey, names: TableLayout.Names,
        number: (TrafficChain) -> UInt32
    ) {
        let value = TableLayout.key(key)
        for (map, from, to) in [
            (names.frontends, old?.chain, new?.chain), (names.insides, old?.inside?.chain, new?.inside?.chain),
        ] where from != to {
            if let from { remove(NFElement(value, .value(TableLayout.data(treatment: number(from)))), from: map) }
            if let to { add(NFElement(value, .value(TableLayout.data(treatment: number(to)))), to: map) }
        }
        if old?.isMasqueraded ?? false != new?.isMasqueraded ?? false {
            if new?.isMasqueraded == true {
                add(NFElement(value), to: names.masqueraded)
            } else {
                remove(NFElement(value), from: names.masqueraded)
            }
        }
        replace(old?.slots ?? [], with: new?.slots ?? [], .all, at: key, names)
        replace(old?.inside?.slots ?? [], with: new?.inside?.slots ?? [], .inside, at: key, names)
        let (formerly, now) = (old?.members ?? [], new?.members ?? [])
        for endpoint in formerly.subtracting(now) {
            remove(NFElement(TableLayout.member(endpoint, of: key)), from: names.members)
        }
        for endpoint in now.subtracting(formerly) {
            add(NFElement(TableLayout.member(endpoint, of: key)), to: names.members)
        }
    }

    private mutating func replace(
        _ before: [SocketAddress], with after: [SocketAddress], _ row: EndpointRow, at key: FrontendKey,
        _ names: TableLayout.Names
    ) {
        for number in 0..<max(before.count, after.count) {
            let from = number < before.count ? before[number] : nil
            let to = number < after.count ? after[number] : nil
            guard from != to else { continue }
            let slot = TableLayout.key(key, number: number, of: row)
            if let from { remove(NFElement(slot, .value(TableLayout.data(from))), from: names.endpoints) }
            if let to { add(NFElement(slot, .value(TableLayout.data(to))), to: names.endpoints) }
        }
    }

    private mutating func add(_ element: NFElement, to set: String) { additions[set, default: []].append(element) }

    private mutating func remove(_ element: NFElement, from set: String) { removals[set, default: []].append(element) }

    /// - Parameters:
    ///   - name: what a chain is called.
    ///   - set: the name of the networks that a guard admits.
    func operations(name: (TrafficChain) -> String, set: (TrafficChain) -> String) -> [NFTransaction.Operation] {
        var operations: [NFTransaction.Operation] = []
        for chain in added { operations.append(.addChain(NFChain(name(chain)))) }
        for chain in added { operations += Self.filling(chain, name: name, set: set) }
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
