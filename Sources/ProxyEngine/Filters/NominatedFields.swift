internal import Transport

/// The fields that a message's `Connection` header names: they are for the next hop alone and end there (RFC 9110,
/// section 7.6.1). Plain; the names are slices of the head's buffer.
struct NominatedFields {
    private static var capacity: Int { 16 }

    private var names = InlineArray<16, HTTP1Slice>(repeating: .empty)
    private var count = 0

    /// Reads one `Connection` value. `close`, `keep-alive` and `upgrade` are options and no fields; framing and Host can't
    /// be talked away.
    ///
    /// - Returns: false when more names are listed than anybody has reason to.
    mutating func read(_ value: HTTP1Slice, _ bytes: UnsafePointer<UInt8>) -> Bool {
        var start = Int(value.start)
        let end = start + Int(value.count)
        while start < end {
            var stop = start
            while stop < end, bytes[stop] != 0x2C { stop += 1 }
            var first = start
            var last = stop
            while first < last, bytes[first] == 0x20 || bytes[first] == 0x09 { first += 1 }
            while first < last, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
            start = stop + 1
            if first == last || Self.isOption(bytes + first, last - first) { continue }
            if count == Self.capacity { return false }
            names[count] = HTTP1Slice(start: UInt16(first), count: UInt16(last - first))
            count += 1
        }
        return true
    }

    @inline(__always)
    func contains(_ name: HTTP1Slice, _ bytes: UnsafePointer<UInt8>) -> Bool {
        count > 0 && isListed(name, bytes)
    }

    private func isListed(_ name: HTTP1Slice, _ bytes: UnsafePointer<UInt8>) -> Bool {
        for index in 0..<count where names[index].count == name.count {
            let candidate = bytes + Int(names[index].start)
            let own = bytes + Int(name.start)
            var offset = 0
            while offset < Int(name.count), candidate[offset] | 0x20 == own[offset] | 0x20 { offset += 1 }
            if offset == Int(name.count) { return true }
        }
        return false
    }

    private static func isOption(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        switch count {
        case 4: RequestHead.equals(name, "host")
        case 5: RequestHead.equals(name, "close")
        case 7: RequestHead.equals(name, "upgrade")
        case 10: RequestHead.equals(name, "keep-alive")
        case 14: RequestHead.equals(name, "content-length")
        case 17: RequestHead.equals(name, "transfer-encoding")
        default: false
        }
    }
}
