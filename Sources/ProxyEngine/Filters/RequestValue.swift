internal import Glibc
internal import Transport

/// Finds single values in a request's head, in place. Pure.
enum RequestValue {
    typealias Bytes = UnsafeBufferPointer<UInt8>

    /// The first field of a name in lower case; empty where there is none.
    static func field(_ name: [UInt8], _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>) -> Bytes
    {
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            guard Int(field.name.count) == name.count, isNamed(name, bytes + Int(field.name.start)) else { continue }
            return slice(field.value, bytes)
        }
        return Bytes(start: nil, count: 0)
    }

    /// The first cookie of a name (RFC 6265 section 4.2.1), without quotes around it; empty where there is none. Clients of
    /// HTTP/2 may spread cookies over fields (RFC 9113 section 8.2.3).
    static func cookie(
        _ name: [UInt8], _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>
    ) -> Bytes {
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            guard field.kind == .cookie else { continue }
            let value = pair(name, in: slice(field.value, bytes), separator: 0x3B)
            guard let base = value.baseAddress else { continue }
            if value.count >= 2, base[0] == 0x22, base[value.count - 1] == 0x22 {
                return Bytes(start: base + 1, count: value.count - 2)
            }
            return value
        }
        return Bytes(start: nil, count: 0)
    }

    /// The first argument of a name in the query, as it is written; empty where there is none.
    static func argument(
        _ name: [UInt8], _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>
    ) -> Bytes {
        pair(name, in: query(head, bytes), separator: 0x26)
    }

    /// What is behind the question mark.
    static func query(_ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>) -> Bytes {
        let path = path(head, bytes).count
        let whole = slice(head.pointee.pathAndQuery, bytes)
        guard let base = whole.baseAddress, path < whole.count else { return Bytes(start: nil, count: 0) }
        return Bytes(start: base + path + 1, count: whole.count - path - 1)
    }

    /// What is before the question mark, as it was sent.
    static func path(_ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>) -> Bytes {
        let whole = slice(head.pointee.pathAndQuery, bytes)
        guard let base = whole.baseAddress, let mark = memchr(base, 0x3F, whole.count) else { return whole }
        return Bytes(start: base, count: UnsafeRawPointer(mark) - UnsafeRawPointer(base))
    }

    static func slice(_ slice: HTTP1Slice, _ bytes: UnsafePointer<UInt8>) -> Bytes {
        Bytes(start: bytes + Int(slice.start), count: Int(slice.count))
    }

    private static func isNamed(_ name: [UInt8], _ other: UnsafePointer<UInt8>) -> Bool {
        for index in name.indices {
            var byte = other[index]
            if byte &- 0x41 < 26 { byte |= 0x20 }
            if byte != name[index] { return false }
        }
        return true
    }

    /// The value of the first `name=value` among those that `separator` and spaces part.
    private static func pair(_ name: [UInt8], in list: Bytes, separator: UInt8) -> Bytes {
        var index = 0
        while index < list.count {
            while index < list.count, list[index] == separator || list[index] == 0x20 || list[index] == 0x09 {
                index += 1
            }
            let start = index
            while index < list.count, list[index] != separator { index += 1 }
            guard index - start > name.count, list[start + name.count] == 0x3D,
                (0..<name.count).allSatisfy({ list[start + $0] == name[$0] })
            else { continue }
            var end = index
            while end > start, list[end - 1] == 0x20 || list[end - 1] == 0x09 { end -= 1 }
            let first = start + name.count + 1
            return Bytes(rebasing: list[min(first, end)..<end])
        }
        return Bytes(start: nil, count: 0)
    }
}
