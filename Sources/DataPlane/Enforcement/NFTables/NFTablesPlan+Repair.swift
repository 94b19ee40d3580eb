import NFTables
import NetworkTypes

/// Bringing a table that is not as it should be to where it should be.
extension NFTablesPlan {
    /// What has to be done to a table that was listed; empty where nothing is amiss.
    func repairs(of listing: NFListing?) -> [NFTransaction.Operation] {
        guard let listing, hasSameBase(listing) else {
            // What is built otherwise goes as a whole, with its successor in the same transaction. Only what sessions
            // remember is lost.
            return (listing == nil ? [] : [.deleteTable])
                + repairs(of: NFListing(generation: 0), isNew: true)
        }
        return repairs(of: listing, isNew: false)
    }

    /// Whether the sets are of the right kind and the chains where packets enter them.
    private func hasSameBase(_ listing: NFListing) -> Bool {
        TableLayout.sets.allSatisfy { set in listing.sets[set.name].map { $0.isLike(.init(set)) } ?? true }
            && baseChains.allSatisfy { chain in
                listing.chains[chain.name].map { $0.hook == chain.hook } ?? true
            }
    }

    /// Whether all but the elements that follow the Services is as it should be.
    func isSkeletonSound(_ listing: NFListing) -> Bool {
        hasSameBase(listing) && repairs(of: listing, isNew: false, elements: false).isEmpty
    }

    private func repairs(of listing: NFListing, isNew: Bool, elements: Bool = true) -> [NFTransaction.Operation] {
        var operations: [NFTransaction.Operation] = []
        let shared = chains.keys.sorted { self.name($0) < self.name($1) }
        for set in TableLayout.sets where listing.sets[set.name] == nil { operations.append(.addSet(set)) }
        let wantedChains = baseChains + shared.map { NFChain(self.name($0)) }
        for chain in wantedChains where listing.chains[chain.name] == nil { operations.append(.addChain(chain)) }

        for family in TableLayout.families where elements {
            let (present, wanted) = (listing.elements[TableLayout.Names(family).pods] ?? [], podElements(family))
            guard Set(present) != Set(wanted) else { continue }
            if !present.isEmpty { operations.append(.flushSet(TableLayout.Names(family).pods)) }
            operations.append(.addElements(set: TableLayout.Names(family).pods, wanted))
        }
        if let fastPath { operations += fastPath.additions(to: listing.flowtables[FastPath.flowtable]) }
        let base = Dictionary(grouping: baseRules, by: \.chain)
        for chain in baseChains
        where listing.rules[chain.name] ?? [] != base[chain.name]?.map(\.comment) ?? [] {
            if listing.chains[chain.name] != nil { operations.append(.flushChain(chain.name)) }
            operations += (base[chain.name] ?? []).map { .addRule($0) }
        }
        for chain in shared {
            let name = self.name(chain)
            let rules = chain.rules(in: name, allowing: allowSet(chain))
            if let present = listing.chains[name].map({ _ in listing.rules[name] ?? [] }) {
                if present == rules.map(\.comment), isGuardSound(chain, listing) { continue }
                operations.append(.flushChain(name))
            }
            if chain.next != nil, listing.sets[allowSet(chain)] != nil {
                operations.append(.deleteSet(allowSet(chain)))
            }
            operations += TableEdits.filling(chain, name: self.name, set: allowSet)
        }
        if elements { operations += elementRepairs(of: listing) }

        let known = Set(wantedChains.map(\.name))
        let strange = listing.chains.keys.filter { !known.contains($0) }.sorted()
        operations += strange.map { .flushChain($0) } + strange.map { .deleteChain($0) }
        let sets = Set(TableLayout.sets.map(\.name)).union(shared.filter { $0.next != nil }.map { allowSet($0) })
        operations += listing.sets.keys.filter { !sets.contains($0) }.sorted().map { .deleteSet($0) }
        let flowtables = listing.flowtables.keys.filter { fastPath == nil || $0 != FastPath.flowtable }
        operations += flowtables.sorted().map { .deleteFlowtable($0) }
        guard isNew || !operations.isEmpty else { return [] }
        return [.addTable] + operations
    }

    private func isGuardSound(_ chain: TrafficChain, _ listing: NFListing) -> Bool {
        guard case .guarded(_, let ranges, _) = chain else { return true }
        return Set(listing.elements[allowSet(chain)] ?? []) == Set(TableLayout.elements(of: ranges))
    }

    private func elementRepairs(of listing: NFListing) -> [NFTransaction.Operation] {
        var wanted: [String: ElementDigest] = [:]
        forEachElement { wanted[$0, default: ElementDigest()].add($1) }
        let amiss = Set(
            TableLayout.followed.filter { set in
                ElementDigest(listing.elements[set] ?? []) != wanted[set] ?? ElementDigest()
            })
        guard !amiss.isEmpty else { return [] }
        var lists: [String: [NFElement]] = [:]
        for set in amiss { lists[set, default: []].reserveCapacity(wanted[set]?.count ?? 0) }
        forEachElement { if amiss.contains($0) { lists[$0, default: []].append($1) } }

        var operations: [NFTransaction.Operation] = []
        var additions: [NFTransaction.Operation] = []
        for set in TableLayout.followed where amiss.contains(set) {
            let (wrong, missing) = Self.difference(of: listing.elements[set] ?? [], from: lists[set] ?? [])
            if !wrong.isEmpty { operations.append(.deleteElements(set: set, wrong)) }
            if !missing.isEmpty { additions.append(.addElements(set: set, missing)) }
        }
        return operations + additions
    }

    private static func difference(of present: [NFElement], from wanted: [NFElement])
        -> (wrong: [NFElement], missing: [NFElement])
    {
        // A table that is built anew: nothing to look up.
        guard !present.isEmpty else { return ([], wanted) }
        var missing = Dictionary(wanted.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        var wrong: [NFElement] = []
        for element in present {
            if missing[element.key] == element {
                missing[element.key] = nil
            } else {
                wrong.append(element)
            }
        }
        return (wrong, Array(missing.values))
    }
}

/// What tells two sets of elements apart without writing them down: of hundreds of thousands that would take as much memory
/// as all the rest. Other elements have the same digest once in 2⁶⁴ times; since the process seeds its hashes, nobody can make
/// such.
private struct ElementDigest: Equatable {
    private(set) var count = 0
    private var sum: UInt64 = 0

    init(_ elements: [NFElement] = []) {
        for element in elements { add(element) }
    }

    mutating func add(_ element: NFElement) {
        count += 1
        sum &+= UInt64(truncatingIfNeeded: element.hashValue)
    }
}
