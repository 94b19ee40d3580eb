internal import Glibc

/// Lines that a response gets beside what its upstream says. Pure.
enum AddedFields {
    /// Whether one of the lines takes the place of the upstream's fields of a name. To `Vary` and `Set-Cookie` each adds.
    static func replace(
        _ name: UnsafePointer<UInt8>, _ count: Int, _ lines: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        guard let base = lines.baseAddress else { return false }
        var start = 0
        while start < lines.count {
            let line = base + start
            let rest = lines.count - start
            guard let end = memchr(line, 0x0A, rest) else { return false }
            if count < rest, line[count] == 0x3A, equals(line, name, count),
                !(count == 4 && RequestHead.equals(name, "vary")),
                !(count == 10 && RequestHead.equals(name, "set-cookie"))
            {
                return true
            }
            start += UnsafeRawPointer(end) - UnsafeRawPointer(line) + 1
        }
        return false
    }

    private static func equals(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for index in 0..<count where left[index].asciiLowercased != right[index].asciiLowercased { return false }
        return true
    }
}
