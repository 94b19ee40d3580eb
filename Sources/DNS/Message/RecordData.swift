/// Record data as it is kept: names in it written out.
enum RecordData {
    /// What stands before, between and behind the names of a type whose names may come compressed (RFC 3597, 4).
    private struct Layout {
        var before: Int
        var names: Int
        /// Exactly so many bytes.
        var behind: Int
    }

    private static func layout(_ type: RecordType) -> Layout? {
        switch type.rawValue {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME
        case 2, 3, 4, 5, 7, 8, 9, 12, 39: Layout(before: 0, names: 1, behind: 0)
        case 6: Layout(before: 0, names: 2, behind: 20)
        // MINFO, RP
        case 14, 17: Layout(before: 0, names: 2, behind: 0)
        // MX, AFSDB, RT, KX
        case 15, 18, 21, 36: Layout(before: 2, names: 1, behind: 0)
        case 26: Layout(before: 2, names: 2, behind: 0)
        case 33: Layout(before: 6, names: 1, behind: 0)
        default: nil
        }
    }

    /// The data of a record; nil when it is not what its type says. Other types are taken as they are.
    static func uncompressed(_ message: Span<UInt8>, _ record: RecordHeader, scratch name: inout WireName) -> [UInt8]? {
        var bytes: [UInt8] = []
        let length = record.dataEnd - record.dataStart
        if record.type == .a, length != 4 { return nil }
        if record.type == .aaaa, length != 16 { return nil }
        guard let layout = layout(record.type) else {
            bytes.reserveCapacity(length)
            for index in record.dataStart..<record.dataEnd { bytes.append(message[index]) }
            return bytes
        }
        guard length > layout.before + layout.behind else { return nil }
        var index = record.dataStart
        for _ in 0..<layout.before {
            bytes.append(message[index])
            index += 1
        }
        for _ in 0..<layout.names {
            guard index < record.dataEnd, let next = name.read(message, at: index), next <= record.dataEnd else {
                return nil
            }
            bytes += name.name().wire
            index = next
        }
        guard record.dataEnd - index == layout.behind else { return nil }
        while index < record.dataEnd {
            bytes.append(message[index])
            index += 1
        }
        return bytes
    }
}
