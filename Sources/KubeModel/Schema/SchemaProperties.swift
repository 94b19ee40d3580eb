/// The properties of a schema, sorted by name, with an index for finding one: a table with open addressing over the names'
/// bytes, at most half full. A dictionary of strings costs four times as much for the short names that fields have.
package struct SchemaProperties: Sendable, RandomAccessCollection {
    package typealias Element = (name: String, node: Int)

    private var entries: [Element] = []
    /// Positions in `entries` plus one; 0 is empty. A power of two of them.
    private var slots: [UInt32] = []

    private static let shortList = 24

    /// Names come from documents: nobody may foresee which of them collide.
    private static let seed = UInt64.random(in: .min ... .max)

    package init() {}

    init(_ nodes: [ByteKey: Int]) {
        entries = nodes.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) }
        guard !entries.isEmpty else { return }
        var capacity = 2
        while capacity < 2 * entries.count { capacity *= 2 }
        slots = Array(repeating: 0, count: capacity)
        for (place, entry) in entries.enumerated() {
            var slot = Self.hash(entry.name) & (capacity - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = UInt32(place + 1)
        }
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { entries.count }
    package subscript(position: Int) -> Element { entries[position] }

    /// The node of a property.
    package func node(_ name: String) -> Int? {
        guard !slots.isEmpty else { return nil }
        // Short names are stored alike wherever they come from: most are found so, without a look at their bytes.
        if entries.count <= Self.shortList {
            let known = entries.withUnsafeBufferPointer { entries -> Int? in
                for entry in entries.indices where hasSameBits(entries[entry].name, name) { return entries[entry].node }
                return nil
            }
            if let known { return known }
        }
        let mask = slots.count - 1
        var slot = Self.hash(name) & mask
        while slots[slot] != 0 {
            let place = Int(slots[slot]) - 1
            if sameBytes(entries[place].name, name) { return entries[place].node }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private static func hash(_ name: String) -> Int {
        // Every string of Swift's own lies in one piece.
        name.utf8.withContiguousStorageIfAvailable { hash(UnsafeRawBufferPointer($0)) } ?? 0
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hash = seed ^ UInt64(bytes.count)
        var place = 0
        while bytes.count - place >= 8 {
            hash = mixed(hash ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place += 8
        }
        var rest: UInt64 = 0
        while place < bytes.count {
            rest = rest << 8 | UInt64(bytes[place])
            place += 1
        }
        return Int(truncatingIfNeeded: mixed(hash ^ rest))
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
