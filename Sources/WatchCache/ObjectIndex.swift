/// The objects of one resource in the byte order of their keys, as the store and Kubernetes list them.
///
/// A value: a copy is a snapshot and costs one reference. The objects lie in leaves, the leaves in branches, both of
/// limited length, so that a change while a snapshot is held copies one leaf, one branch and the short list of branches:
/// some hundred references, however many objects there are.
struct ObjectIndex: Sendable {
    private typealias Leaf = [CachedObject]

    private struct Branch: Sendable {
        /// Never empty, nor is any leaf.
        var leaves: [Leaf]
        /// Objects in all leaves.
        var count: Int

        var last: CachedObject {
            let leaf = leaves[leaves.count - 1]
            return leaf[leaf.count - 1]
        }
    }

    private static let leafLimit = 128
    private static let branchLimit = 128

    private var branches: [Branch] = []
    private(set) var count = 0

    struct Position: Comparable, Sendable {
        fileprivate var branch: Int
        fileprivate var leaf: Int
        fileprivate var offset: Int

        static func < (left: Position, right: Position) -> Bool {
            (left.branch, left.leaf, left.offset) < (right.branch, right.leaf, right.offset)
        }
    }

    subscript(key: String) -> CachedObject? {
        let (position, isFound) = find(key)
        return isFound ? self[position] : nil
    }

    /// - Returns: the object that had the key before.
    @discardableResult
    mutating func insert(_ object: CachedObject) -> CachedObject? {
        var (position, isFound) = find(object.relativeKey)
        if isFound {
            let old = self[position]
            branches[position.branch].leaves[position.leaf][position.offset] = object
            return old
        }
        count += 1
        if branches.isEmpty {
            branches.append(Branch(leaves: [[]], count: 0))
        } else if position.branch == branches.count {
            // Behind the last key: at the end of the last leaf.
            position.branch -= 1
            position.leaf = branches[position.branch].leaves.count - 1
            position.offset = branches[position.branch].leaves[position.leaf].count
        }
        if branches[position.branch].leaves[position.leaf].count >= Self.leafLimit { splitLeaf(at: &position) }
        branches[position.branch].leaves[position.leaf].insert(object, at: position.offset)
        branches[position.branch].count += 1
        return nil
    }

    @discardableResult
    mutating func remove(_ key: String) -> CachedObject? {
        let (position, isFound) = find(key)
        guard isFound else { return nil }
        count -= 1
        let old = branches[position.branch].leaves[position.leaf].remove(at: position.offset)
        branches[position.branch].count -= 1
        if branches[position.branch].leaves[position.leaf].isEmpty {
            branches[position.branch].leaves.remove(at: position.leaf)
        }
        if branches[position.branch].leaves.isEmpty { branches.remove(at: position.branch) }
        return old
    }

    var start: Position { Position(branch: 0, leaf: 0, offset: 0) }
    var end: Position { Position(branch: branches.count, leaf: 0, offset: 0) }

    /// The first object whose key is not before `key`.
    func position(notBefore key: String) -> Position {
        find(key).position
    }

    func position(after key: String) -> Position {
        let (position, isFound) = find(key)
        return isFound ? self.position(after: position) : position
    }

    func position(after position: Position) -> Position {
        let leaves = branches[position.branch].leaves
        if position.offset + 1 < leaves[position.leaf].count {
            return Position(branch: position.branch, leaf: position.leaf, offset: position.offset + 1)
        }
        if position.leaf + 1 < leaves.count {
            return Position(branch: position.branch, leaf: position.leaf + 1, offset: 0)
        }
        return Position(branch: position.branch + 1, leaf: 0, offset: 0)
    }

    subscript(position: Position) -> CachedObject {
        branches[position.branch].leaves[position.leaf][position.offset]
    }

    /// The objects of a namespace (`nil`: all).
    func range(namespace: String?) -> Range<Position> {
        guard let namespace else { return start..<end }
        // "0" follows "/" in ASCII, so this is the first key behind the namespace's.
        return position(notBefore: namespace + "/")..<position(notBefore: namespace + "0")
    }

    func count(_ range: Range<Position>) -> Int { rank(range.upperBound) - rank(range.lowerBound) }

    /// Calls `body` for the objects in order, until it returns `false`.
    func forEach(in range: Range<Position>, _ body: (CachedObject) -> Bool) {
        var position = range.lowerBound
        while position < range.upperBound {
            let leaf = branches[position.branch].leaves[position.leaf]
            let isLastLeaf = (position.branch, position.leaf) == (range.upperBound.branch, range.upperBound.leaf)
            let limit = isLastLeaf ? range.upperBound.offset : leaf.count
            for offset in position.offset..<limit where !body(leaf[offset]) { return }
            if isLastLeaf { return }
            position.offset = leaf.count - 1
            position = self.position(after: position)
        }
    }

    /// How many objects are before a position.
    private func rank(_ position: Position) -> Int {
        var rank = branches[..<position.branch].reduce(0) { $0 + $1.count }
        guard position.branch < branches.count else { return rank }
        for leaf in branches[position.branch].leaves[..<position.leaf] { rank += leaf.count }
        return rank + position.offset
    }

    /// Makes room in a full leaf, and has `position` point to the same place in what became of it.
    private mutating func splitLeaf(at position: inout Position) {
        let count = branches[position.branch].leaves[position.leaf].count
        // Behind the last object of a full leaf begins a new one: what is loaded in order fills its leaves to the brim.
        let cut = position.offset == count ? count : count / 2
        let upper = Leaf(branches[position.branch].leaves[position.leaf][cut...])
        branches[position.branch].leaves[position.leaf].removeSubrange(cut...)
        branches[position.branch].leaves.insert(upper, at: position.leaf + 1)
        if position.offset > cut || cut == count {
            position.leaf += 1
            position.offset -= cut
        }
        if branches[position.branch].leaves.count > Self.branchLimit { splitBranch(at: &position) }
    }

    private mutating func splitBranch(at position: inout Position) {
        let count = branches[position.branch].leaves.count
        let cut = position.leaf == count - 1 ? count - 1 : count / 2
        let upper = Array(branches[position.branch].leaves[cut...])
        let upperCount = upper.reduce(0) { $0 + $1.count }
        branches[position.branch].leaves.removeSubrange(cut...)
        branches[position.branch].count -= upperCount
        branches.insert(Branch(leaves: upper, count: upperCount), at: position.branch + 1)
        if position.leaf >= cut {
            position.branch += 1
            position.leaf -= cut
        }
    }

    private func find(_ key: String) -> (position: Position, isFound: Bool) {
        key.withBytes { key in
            // On each level the first whose last key is not before the key has the key, or the place for it.
            let branch = Self.partition(branches.count) { branches[$0].last.order(to: key) < 0 }
            guard branch < branches.count else { return (Position(branch: branch, leaf: 0, offset: 0), false) }
            let leaves = branches[branch].leaves
            let leaf = Self.partition(leaves.count) { leaves[$0][leaves[$0].count - 1].order(to: key) < 0 }
            let objects = leaves[leaf]
            let offset = Self.partition(objects.count) { objects[$0].order(to: key) < 0 }
            let position = Position(branch: branch, leaf: leaf, offset: offset)
            return (position, objects[offset].order(to: key) == 0)
        }
    }

    /// The first of `0..<count` that is not `before`.
    private static func partition(_ count: Int, before: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if before(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
