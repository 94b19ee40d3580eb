/// Everything that a zone says about one name, in one piece of memory that is never changed and that others may lie in too.
///
/// Layout: the length of the name, the name; then for each type, in order of the types: type (2 bytes), number of records
/// (2), bytes of the records (4), and each record as its length (2) and data. Without any type the name is an empty
/// non-terminal (RFC 8020).
package struct NameNode: Sendable {
    /// The memory that it lies in.
    package let bytes: [UInt8]
    private let range: Range<Int>

    /// One type's records inside of ``NameNode/bytes``.
    package struct RecordSet: Hashable, Sendable {
        package var type: RecordType
        package var count: Int
        package var range: Range<Int>
    }

    /// What ``encoded(_:_:)`` made, within `bytes`.
    init(within bytes: [UInt8], at range: Range<Int>) {
        self.bytes = bytes
        self.range = range
    }

    /// At most 65,535 records of a type; those beyond are left out, and so is data of more than 65,535 bytes.
    static func encoded(_ name: DomainName, _ records: [ZoneRecord]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(name.wire.count)]
        bytes += name.wire
        let sets = Dictionary(grouping: records.lazy.filter { $0.data.count <= 0xffff }, by: \.type)
        for (type, set) in sets.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let kept = set.prefix(0xffff)
            let length = kept.reduce(0) { $0 + 2 + $1.data.count }
            bytes.reserveCapacity(bytes.count + 8 + length)
            bytes.append(bigEndian: type.rawValue)
            bytes.append(bigEndian: UInt16(kept.count))
            bytes.append(bigEndian: UInt32(length))
            for record in kept {
                bytes.append(bigEndian: UInt16(record.data.count))
                bytes += record.data
            }
        }
        return bytes
    }

    package var name: DomainName { DomainName(trusted: Array(bytes[(range.lowerBound + 1)..<setsStart])) }

    private var setsStart: Int { range.lowerBound + 1 + Int(bytes[range.lowerBound]) }

    /// It has no records: it exists because names below it do.
    package var isEmpty: Bool { setsStart == range.upperBound }

    package func recordSet(_ type: RecordType) -> RecordSet? {
        let bytes = bytes.span
        var index = setsStart
        while index < range.upperBound {
            let set = Self.set(bytes, at: index)
            if set.type == type { return set }
            index = set.range.upperBound
        }
        return nil
    }

    package var recordSets: [RecordSet] {
        var result: [RecordSet] = []
        var index = setsStart
        while index < range.upperBound {
            let set = Self.set(bytes.span, at: index)
            result.append(set)
            index = set.range.upperBound
        }
        return result
    }

    private static func set(_ bytes: Span<UInt8>, at index: Int) -> RecordSet {
        let start = index + 8
        return RecordSet(
            type: RecordType(rawValue: bytes.u16(at: index)), count: Int(bytes.u16(at: index + 2)),
            range: start..<(start + Int(bytes.u32(at: index + 4))))
    }

    package var records: [ZoneRecord] {
        let name = name
        var result: [ZoneRecord] = []
        for set in recordSets {
            var index = set.range.lowerBound
            while index < set.range.upperBound {
                let end = index + 2 + Int(bytes.span.u16(at: index))
                result.append(ZoneRecord(name: name, type: set.type, data: Array(bytes[(index + 2)..<end])))
                index = end
            }
        }
        return result
    }
}
