import NFTables
import NetworkTypes

/// Keeps this machine from telling its network that it has the addresses of its device: Linux answers ARP for any address of
/// its own on every interface (`arp_ignore`), and so every node would for the same external address, whoever announces it.
/// IPv6 needs nothing of the kind: there only the interface that has an address answers.
struct NeighbourGuard {
    static let table = NFTable(.arp, "martlet")
    private static let addresses = "addresses"

    private let ruleset: any NFRuleset

    init(_ ruleset: any NFRuleset) { self.ruleset = ruleset }

    /// Builds the table anew, for these addresses.
    func replace(with addresses: Set<IPAddress>) throws(NFTablesError) {
        let a = TableLayout.a
        try commit([
            .addTable, .deleteTable, .addTable, .addSet(NFSet(Self.addresses, key: .ipv4Address)),
            .addElements(set: Self.addresses, Self.elements(addresses)),
            .addChain(NFChain("input", hook: .init(.filter, .arpInput, priority: 0))),
            .addRule(
                TableLayout.rule(
                    "input", "address of a Service",
                    [
                        // The address that is asked for: behind two of hardware, and the asker's.
                        .payload(.network, offset: 24, length: 4, into: a), .contained(a, in: Self.addresses),
                        .verdict(.drop),
                    ])),
        ])
    }

    func add(_ addresses: Set<IPAddress>) throws(NFTablesError) {
        try commit([.addElements(set: Self.addresses, Self.elements(addresses))])
    }

    func remove(_ addresses: Set<IPAddress>) throws(NFTablesError) {
        try commit([.deleteElements(set: Self.addresses, Self.elements(addresses))])
    }

    /// Whether it guards these addresses, and no others.
    func guards(_ addresses: Set<IPAddress>) throws(NFTablesError) -> Bool {
        guard let listing = try ruleset.listing(of: Self.table, leavingOut: []) else { return false }
        return Set(listing.elements[Self.addresses] ?? []) == Set(Self.elements(addresses))
            && listing.rules["input"]?.count == 1
    }

    /// - Returns: whether there was one.
    static func cleanUp(_ ruleset: any NFRuleset) throws(NFTablesError) -> Bool {
        guard try ruleset.tables().contains(table) else { return false }
        try ruleset.commit(NFTransaction(table, [.deleteTable]), expecting: nil)
        return true
    }

    private static func elements(_ addresses: Set<IPAddress>) -> [NFElement] {
        addresses.filter { $0.family == .v4 }.sorted().map { NFElement(TableLayout.key($0)) }
    }

    private func commit(_ operations: [NFTransaction.Operation]) throws(NFTablesError) {
        // Elements of nothing are no operation.
        let some = operations.filter { operation in
            switch operation {
            case .addElements(_, let elements), .deleteElements(_, let elements): !elements.isEmpty
            default: true
            }
        }
        try ruleset.commit(NFTransaction(Self.table, some), expecting: nil)
    }
}
