/// Names and what they have: a value. A copy costs nothing, and changing one afterwards copies only the branch that a
/// changed name is in, so that whoever answers from a copy sees one state throughout.
///
/// Two levels of 256 and 32 branches by the bits of a keyed hash, then names that lie together.
package struct NameTable: Sendable {
    private static let leavesOfBranch = 32

    private struct Place {
        var branch: Int
        var leaf: Int
        /// Nil for a name that is not there.
        var index: Int?
    }

    package let seed: UInt64
    /// The names up to which empty non-terminals are kept.
    private let origins: [DomainName]
    private var branches: [[NameLeaf]] = Array(repeating: [], count: 256)
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
        let (branch, leaf) = Self.place(hash)
        guard !branches[branch].isEmpty, let index = branches[branch][leaf].index(of: name, hash: hash) else {
            return nil
        }
        return branches[branch][leaf].node(index)
    }

    package subscript(name: DomainName) -> NameNode? {
        let place = locate(name).place
        return place.index.map { branches[place.branch][place.leaf].node($0) }
    }

    /// Every node, in no particular order.
    package var nodes: [NameNode] { branches.flatMap { $0.flatMap { leaf in (0..<leaf.count).map(leaf.node) } } }

    /// Takes records away and adds others. One that is not there, or is there already, changes nothing.
    package mutating func apply(removing gone: some Sequence<ZoneRecord>, adding new: some Sequence<ZoneRecord>) {
        var changes: [DomainName: (gone: Set<ZoneRecord>, new: [ZoneRecord])] = [:]
        for record in gone { changes[record.name, default: ([], [])].gone.insert(record) }
        for record in new { changes[record.name, default: ([], [])].new.append(record) }
        for (name, change) in changes {
            let before = self[name]?.records ?? []
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
            if records.isEmpty, branches[place.branch][place.leaf].references(index) == 0 {
                remove(name, place, index)
            } else {
                branches[place.branch][place.leaf].replace(index, with: NameNode.encoded(name, records))
            }
        } else if !records.isEmpty {
            insert(name, records, hash, place, references: 0)
        }
    }

    private mutating func retain(_ name: DomainName) {
        let (hash, place) = locate(name)
        if let index = place.index {
            let count = branches[place.branch][place.leaf].references(index)
            branches[place.branch][place.leaf].setReferences(index, count + 1)
        } else {
            insert(name, [], hash, place, references: 1)
        }
    }

    private mutating func release(_ name: DomainName) {
        let place = locate(name).place
        guard let index = place.index else { return }
        let count = branches[place.branch][place.leaf].references(index)
        guard count > 0 else { return }
        if count == 1, branches[place.branch][place.leaf].node(index).isEmpty {
            remove(name, place, index)
        } else {
            branches[place.branch][place.leaf].setReferences(index, count - 1)
        }
    }

    private mutating func insert(
        _ name: DomainName, _ records: [ZoneRecord], _ hash: UInt64, _ place: Place, references: UInt32
    ) {
        if branches[place.branch].isEmpty {
            branches[place.branch] = Array(repeating: NameLeaf(), count: Self.leavesOfBranch)
        }
        branches[place.branch][place.leaf].append(
            NameNode.encoded(name, records), hash: hash, references: references)
        count += 1
        if let parent = parent(of: name) { retain(parent) }
    }

    private mutating func remove(_ name: DomainName, _ place: Place, _ index: Int) {
        branches[place.branch][place.leaf].remove(index)
        count -= 1
        if let parent = parent(of: name) { release(parent) }
    }

    /// Nil for an origin, and for what is in none.
    private func parent(of name: DomainName) -> DomainName? {
        guard !origins.contains(name), let parent = name.parent, origins.contains(where: { parent.isWithin($0) }) else {
            return nil
        }
        return parent
    }

    private func locate(_ name: DomainName) -> (hash: UInt64, place: Place) {
        let hash = KeyedHash.hash(name, seed: seed)
        let (branch, leaf) = Self.place(hash)
        let index = branches[branch].isEmpty ? nil : branches[branch][leaf].index(of: name, hash: hash)
        return (hash, Place(branch: branch, leaf: leaf, index: index))
    }

    /// By bits of the upper half of a hash: those of the lower one tell names of a leaf apart.
    private static func place(_ hash: UInt64) -> (branch: Int, leaf: Int) {
        (Int(hash >> 56), Int(hash >> 32) & (leavesOfBranch - 1))
    }
}
