import Glibc

/// The objects of one resource in the byte order of their keys, as the store and Kubernetes list them.
///
/// A value: a copy is a snapshot and costs one reference. The objects lie in leaves of limited length, so that a change
/// while a snapshot is held copies one leaf and the list of leaves, not all references.
struct ObjectIndex: Sendable {
    private static let leafLimit = 128

    private var leaves: [[CachedObject]] = []
    private(set) var count = 0

    struct Position: Comparable, Sendable {
        fileprivate var leaf: Int
        fileprivate var offset: Int

        static func < (left: Position, right: Position) -> Bool {
            (left.leaf, left.offset) < (right.leaf, right.offset)
        }
    }

    subscript(key: String) -> CachedObject? {
        let (position, isFound) = find(key)
        return isFound ? leaves[position.leaf][position.offset] : nil
    }

    /// - Returns: the object that had the key before.
    @discardableResult
    mutating func insert(_ object: CachedObject) -> CachedObject? {
        var (position, isFound) = find(object.relativeKey)
        if isFound {
            let old = leaves[position.leaf][position.offset]
            leaves[position.leaf][position.offset] = object
            return old
        }
        count += 1
        guard !leaves.isEmpty else {
            leaves.append([object])
            return nil
        }
        if position.leaf == leaves.count {
            // Behind the last key: filling the last leaf to the brim suits loading in order.
            if leaves[position.leaf - 1].count >= Self.leafLimit {
                leaves.append([object])
            } else {
                leaves[position.leaf - 1].append(object)
            }
            return nil
        }
        if leaves[position.leaf].count >= Self.leafLimit {
            let half = Self.leafLimit / 2
            let upper = Array(leaves[position.leaf][half...])
            leaves[position.leaf].removeSubrange(half...)
            leaves.insert(upper, at: position.leaf + 1)
            if position.offset > half { position = Position(leaf: position.leaf + 1, offset: position.offset - half) }
        }
        leaves[position.leaf].insert(object, at: position.offset)
        return nil
    }

    @discardableResult
    mutating func remove(_ key: String) -> CachedObject? {
        let (position, isFound) = find(key)
        guard isFound else { return nil }
        count -= 1
        let old = leaves[position.leaf].remove(at: position.offset)
        if leaves[position.leaf].isEmpty { leaves.remove(at: position.leaf) }
        return old
    }

    var start: Position { Position(leaf: 0, offset: 0) }
    var end: Position { Position(leaf: leaves.count, offset: 0) }

    /// The first object whose key is not before `key`.
    func position(notBefore key: String) -> Position {
        find(key).position
    }

    func position(after key: String) -> Position {
        let (position, isFound) = find(key)
        return isFound ? self.position(after: position) : position
    }

    func position(after position: Position) -> Position {
        position.offset + 1 < leaves[position.leaf].count
            ? Position(leaf: position.leaf, offset: position.offset + 1) : Position(leaf: position.leaf + 1, offset: 0)
    }

    subscript(position: Position) -> CachedObject {
        leaves[position.leaf][position.offset]
    }

    /// The objects of a namespace (`nil`: all).
    func range(namespace: String?) -> Range<Position> {
        guard let namespace else { return start..<end }
        // "0" follows "/" in ASCII, so this is the first key behind the namespace's.
        return position(notBefore: namespace + "/")..<position(notBefore: namespace + "0")
    }

    func count(_ range: Range<Position>) -> Int {
        if range.lowerBound.leaf == range.upperBound.leaf { return range.upperBound.offset - range.lowerBound.offset }
        var count = leaves[range.lowerBound.leaf].count - range.lowerBound.offset + range.upperBound.offset
        for leaf in (range.lowerBound.leaf + 1)..<range.upperBound.leaf { count += leaves[leaf].count }
        return count
    }

    /// Calls `body` for the objects in order, until it returns `false`.
    func forEach(in range: Range<Position>, _ body: (CachedObject) -> Bool) {
        var leaf = range.lowerBound.leaf
        var offset = range.lowerBound.offset
        while leaf < leaves.count, leaf <= range.upperBound.leaf {
            let objects = leaves[leaf]
            let last = leaf == range.upperBound.leaf ? range.upperBound.offset : objects.count
            while offset < last {
                guard body(objects[offset]) else { return }
                offset += 1
            }
            leaf += 1
            offset = 0
        }
    }

    private func find(_ key: String) -> (position: Position, isFound: Bool) {
        // The first leaf whose last key is not before the key has the key, or the place for it.
        let leaf = Self.partition(leaves.count) { byteOrder(leaves[$0][leaves[$0].count - 1].relativeKey, key) < 0 }
        guard leaf < leaves.count else { return (Position(leaf: leaf, offset: 0), false) }
        let objects = leaves[leaf]
        let offset = Self.partition(objects.count) { byteOrder(objects[$0].relativeKey, key) < 0 }
        return (Position(leaf: leaf, offset: offset), byteOrder(objects[offset].relativeKey, key) == 0)
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

/// Negative, zero or positive, as `left` is before, equal to or behind `right` by their bytes. (Swift's own order is that
/// of normalised Unicode, which is not the store's.)
func byteOrder(_ left: String, _ right: String) -> Int {
    let order = left.utf8.withContiguousStorageIfAvailable { leftBytes in
        right.utf8.withContiguousStorageIfAvailable { rightBytes -> Int in
            let common = min(leftBytes.count, rightBytes.count)
            if common > 0, let first = leftBytes.baseAddress, let second = rightBytes.baseAddress {
                let order = memcmp(first, second, common)
                if order != 0 { return Int(order) }
            }
            return leftBytes.count - rightBytes.count
        }
    }
    if let order, let order { return order }
    if left.utf8.elementsEqual(right.utf8) { return 0 }
    return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
}
