/// Names and what they have: a value. A copy costs nothing, and changing one afterwards copies only the branch that a
/// changed name is in, so that whoever answers from a copy sees one state throughout.
///
/// Two levels of 256 branches by the bits of a keyed hash, then a short list.
package struct NameTable: Sendable {
    private struct Entry: Sendable {
        var hash: UInt64
        var node: NameNode
        /// Names directly below it, and what holds it otherwise (``pin(_:)``).
        var references: UInt32
    }

    package let seed: UInt64
    /// The names up to which empty non-terminals are kept.
    private let origins: [DomainName]
    private var branches: [[[Entry]]] = Array(repeating: [], count: 256)
    /// Names, the empty ones included.
    package private(set) var count = 0

    /// - Parameter origins: Every name between one with records and the origin that it is in exists too (RFC 8020).
    package init(origins: [DomainName] = [], seed: UInt64 = .random(in: 0 ... .max)) {
        self.origins = origins
        self.seed = seed
    }

    /// What is known of a name. Names below are no concern of it: see `isEmpty` of the node.
    package func node(of name: WireName) -> NameNode? {
        let hash = name.hash(seed: seed)
        let branch = branches[Int(hash >> 56)]
        guard !branch.isEmpty else { return nil }
        for entry in branch[Int(hash >> 48 & 0xff)] where entry.hash == hash && entry.node.isNamed(name) {
            return entry.node
        }
        return nil
    }

    package subscript(name: DomainName) -> NameNode? { entry(name)?.node }

    /// Every node, in no particular order.
    package var nodes: [NameNode] { branches.flatMap { $0.flatMap { $0.map(\.node) } } }

    /// Takes records away and adds others. One that is not there, or is there already, changes nothing.
    package mutating func apply(removing gone: some Sequence<ZoneRecord>, adding new: some Sequence<ZoneRecord>) {
        var changes: [DomainName: (gone: Set<ZoneRecord>, new: [ZoneRecord])] = [:]
        for record in gone { changes[record.name, default: ([], [])].gone.insert(record) }
        for record in new { changes[record.name, default: ([], [])].new.append(record) }
        for (name, change) in changes {
            let before = entry(name)?.node.records ?? []
            var records = change.gone.isEmpty ? before : before.filter { !change.gone.contains($0) }
            let present = change.new.count > 1 ? Set(records) : []
            for record in change.new where !(change.new.count > 1 ? present.contains(record) : records.contains(record))
            { records.append(record) }
            set(name, records)
        }
    }

    /// Makes a name exist without records of its own, as often as it is called.
    package mutating func pin(_ name: DomainName) { retain(name) }

    /// Undoes one ``pin(_:)``.
    package mutating func unpin(_ name: DomainName) { release(name) }

    private mutating func set(_ name: DomainName, _ records: [ZoneRecord]) {
        let (hash, place) = locate(name)
        if let index = place.index {
            let entry = branches[place.branch][place.leaf][index]
            if records.isEmpty, entry.references == 0 {
                remove(place.branch, place.leaf, index)
                if let parent = parent(of: name) { release(parent) }
            } else {
                branches[place.branch][place.leaf][index].node = NameNode(name: name, records: records)
            }
        } else if !records.isEmpty {
            insert(Entry(hash: hash, node: NameNode(name: name, records: records), references: 0), name)
        }
    }

    private mutating func retain(_ name: DomainName) {
        let (hash, place) = locate(name)
        if let index = place.index {
            branches[place.branch][place.leaf][index].references += 1
        } else {
            insert(Entry(hash: hash, node: NameNode(name: name, records: []), references: 1), name)
        }
    }

    private mutating func release(_ name: DomainName) {
        let (_, place) = locate(name)
        guard let index = place.index, branches[place.branch][place.leaf][index].references > 0 else { return }
        branches[place.branch][place.leaf][index].references -= 1
        let entry = branches[place.branch][place.leaf][index]
        guard entry.references == 0, entry.node.isEmpty else { return }
        remove(place.branch, place.leaf, index)
        if let parent = parent(of: name) { release(parent) }
    }

    private mutating func insert(_ entry: Entry, _ name: DomainName) {
        let (branch, leaf) = Self.place(entry.hash)
        if branches[branch].isEmpty { branches[branch] = Array(repeating: [], count: 256) }
        branches[branch][leaf].append(entry)
        count += 1
        if let parent = parent(of: name) { retain(parent) }
    }

    private mutating func remove(_ branch: Int, _ leaf: Int, _ index: Int) {
        branches[branch][leaf].remove(at: index)
        count -= 1
    }

    /// Nil for an origin, and for what is in none.
    private func parent(of name: DomainName) -> DomainName? {
        guard !origins.contains(name), let parent = name.parent, origins.contains(where: { parent.isWithin($0) }) else {
            return nil
        }
        return parent
    }

    private func entry(_ name: DomainName) -> Entry? {
        let (_, place) = locate(name)
        return place.index.map { branches[place.branch][place.leaf][$0] }
    }

    private func locate(_ name: DomainName) -> (hash: UInt64, (branch: Int, leaf: Int, index: Int?)) {
        let hash = KeyedHash.hash(name, seed: seed)
        let (branch, leaf) = Self.place(hash)
        guard !branches[branch].isEmpty else { return (hash, (branch, leaf, nil)) }
        let index = branches[branch][leaf].firstIndex { $0.hash == hash && $0.node.isNamed(name) }
        return (hash, (branch, leaf, index))
    }

    private static func place(_ hash: UInt64) -> (Int, Int) { (Int(hash >> 56), Int(hash >> 48 & 0xff)) }
}
