/// Names of a ``NameTable`` whose hashes are near each other, in one piece of memory: what a header of their own and the
/// rounding of the heap would add to each is as much as most of them have to say.
///
/// Layout: how many there are (4 bytes); for each the lower half of its hash (4), how often it is referred to (4) and where
/// its node ends (4); then the nodes, one behind the other, as ``NameNode`` has them.
struct NameLeaf: Sendable {
    /// Empty without names.
    private var bytes: [UInt8] = []

    private static let headerSize = 4
    private static let rowSize = 12

    private struct Row {
        var hash: UInt32
        var references: UInt32
        var node: Range<Int>
    }

    var count: Int { bytes.isEmpty ? 0 : Int(bytes.span.u32(at: 0)) }

    func node(_ index: Int) -> NameNode { NameNode(within: bytes, at: range(index)) }

    func index(of name: WireName, hash: UInt64) -> Int? {
        index(hash) { bytes, start in name.equals(bytes, at: start + 1, count: Int(bytes[start])) }
    }

    func index(of name: DomainName, hash: UInt64) -> Int? {
        index(hash) { bytes, start in
            let wire = name.wire.span
            guard Int(bytes[start]) == wire.count else { return false }
            for place in 0..<wire.count where bytes[start + 1 + place] != wire[place] { return false }
            return true
        }
    }

    @inline(__always)
    private func index(_ hash: UInt64, isNamed: (Span<UInt8>, Int) -> Bool) -> Int? {
        let wanted = UInt32(truncatingIfNeeded: hash)
        let span = bytes.span
        for index in 0..<count where span.u32(at: Self.row(index)) == wanted {
            if isNamed(span, start(index)) { return index }
        }
        return nil
    }

    /// How often a name is referred to: by names directly below it, and by what holds it otherwise.
    func references(_ index: Int) -> UInt32 { bytes.span.u32(at: Self.row(index) + 4) }

    mutating func setReferences(_ index: Int, _ count: UInt32) {
        let place = Self.row(index) + 4
        for offset in 0..<4 { bytes[place + offset] = UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32(offset))) }
    }

    mutating func append(_ node: [UInt8], hash: UInt64, references: UInt32) {
        let row = Row(hash: UInt32(truncatingIfNeeded: hash), references: references, node: 0..<0)
        write(rows + [row], replacing: count, with: node)
    }

    mutating func replace(_ index: Int, with node: [UInt8]) { write(rows, replacing: index, with: node) }

    mutating func remove(_ index: Int) {
        var rows = rows
        rows.remove(at: index)
        write(rows, replacing: nil, with: [])
    }

    // MARK: Places

    private static func row(_ index: Int) -> Int { headerSize + index * rowSize }

    private func start(_ index: Int) -> Int {
        index == 0 ? Self.row(count) : Int(bytes.span.u32(at: Self.row(index - 1) + 8))
    }

    private func range(_ index: Int) -> Range<Int> {
        start(index)..<Int(bytes.span.u32(at: Self.row(index) + 8))
    }

    private var rows: [Row] {
        (0..<count).map { Row(hash: bytes.span.u32(at: Self.row($0)), references: references($0), node: range($0)) }
    }

    /// Writes all anew, with just the room that it needs.
    private mutating func write(_ rows: [Row], replacing changed: Int?, with node: [UInt8]) {
        guard !rows.isEmpty else {
            bytes = []
            return
        }
        var end = Self.row(rows.count)
        let sizes = rows.indices.map { $0 == changed ? node.count : rows[$0].node.count }
        var result: [UInt8] = []
        result.reserveCapacity(end + sizes.reduce(0, +))
        result.append(bigEndian: UInt32(rows.count))
        for (row, size) in zip(rows, sizes) {
            end += size
            result.append(bigEndian: row.hash)
            result.append(bigEndian: row.references)
            result.append(bigEndian: UInt32(end))
        }
        for (index, row) in rows.enumerated() { result += index == changed ? node[...] : bytes[row.node] }
        bytes = result
    }
}
