/// Record data as it is kept: names in it written out.
enum RecordData {
    /// What the data of a type consists of, in this order.
    private struct Layout {
        /// Bytes of any value.
        var before = 0
        /// Character strings (RFC 1035, 3.3).
        var strings = 0
        var names = 0
        /// What stands behind.
        var behind = Rest.bytes(0)
    }

    private enum Rest {
        /// Exactly so many bytes.
        case bytes(Int)
        case anything
        /// Nothing but character strings; at least one where there was none before.
        case strings
    }

    /// Of the types whose names may come compressed (RFC 3597, 4), those with names that an asker reads in any case, and
    /// those of character strings; nil for others.
    private static func layout(_ type: RecordType) -> Layout? {
        switch type.rawValue {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME
        case 2, 3, 4, 5, 7, 8, 9, 12, 39: Layout(names: 1)
        case 6: Layout(names: 2, behind: .bytes(20))
        // HINFO
        case 13: Layout(strings: 2)
        // MINFO, RP
        case 14, 17: Layout(names: 2)
        // MX, AFSDB, RT, KX
        case 15, 18, 21, 36: Layout(before: 2, names: 1)
        // TXT, SPF
        case 16, 99: Layout(strings: 1, behind: .strings)
        // SIG, RRSIG
        case 24, 46: Layout(before: 18, names: 1, behind: .anything)
        case 26: Layout(before: 2, names: 2)
        // NXT, NSEC
        case 30, 47: Layout(names: 1, behind: .anything)
        case 33: Layout(before: 6, names: 1)
        // NAPTR
        case 35: Layout(before: 4, strings: 3, names: 1)
        // SVCB, HTTPS
        case 64, 65: Layout(before: 2, names: 1, behind: .anything)
        default: nil
        }
    }

    /// The data of a record; nil when it is not what its type says. Other types are taken as they are.
    static func uncompressed(_ message: Span<UInt8>, _ record: RecordHeader, scratch name: inout WireName) -> [UInt8]? {
        var bytes: [UInt8] = []
        let length = record.dataEnd - record.dataStart
        if record.type == .a, length != 4 { return nil }
        if record.type == .aaaa, length != 16 { return nil }
        var index = record.dataStart
        func take(upTo end: Int) -> Bool {
            guard end <= record.dataEnd else { return false }
            while index < end {
                bytes.append(message[index])
                index += 1
            }
            return true
        }
        func takeString() -> Bool { index < record.dataEnd && take(upTo: index + 1 + Int(message[index])) }
        guard let layout = layout(record.type) else {
            bytes.reserveCapacity(length)
            return take(upTo: record.dataEnd) ? bytes : nil
        }
        guard take(upTo: index + layout.before) else { return nil }
        for _ in 0..<layout.strings {
            guard takeString() else { return nil }
        }
        for _ in 0..<layout.names {
            guard index < record.dataEnd, let next = name.read(message, at: index), next <= record.dataEnd else {
                return nil
            }
            bytes += name.name().wire
            index = next
        }
        switch layout.behind {
        case .bytes(let count):
            guard record.dataEnd - index == count else { return nil }
        case .strings:
            while index < record.dataEnd {
                guard takeString() else { return nil }
            }
        case .anything: break
        }
        return take(upTo: record.dataEnd) ? bytes : nil
    }

    /// Whether a range, the data of an OPT record, is options alone, each of its whole length (RFC 6891, 6.1.2).
    static func holdsOptions(_ message: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            guard index + 4 <= range.upperBound else { return false }
            index += 4 + Int(message.u16(at: index + 2))
        }
        return index == range.upperBound
    }
}
