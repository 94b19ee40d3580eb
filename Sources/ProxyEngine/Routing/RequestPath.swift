/// The path of a request target as routes see it: percent-decoding done, `//`, `/./` and `/../` resolved, without the
/// query. (What is forwarded stays as the client wrote it.)
enum RequestPath {
    enum Outcome: Equatable {
        /// The target's own bytes are normal already; the path is that many of them.
        case plain(Int)
        /// The normal form was written to the scratch memory, with that length.
        case rewritten(Int)
        /// A broken escape, an encoded NUL or a way above the root: answered with 400.
        case invalid
    }

    /// - Parameter target: origin-form bytes, beginning with `/`.
    /// - Parameter scratch: room for at least `count` bytes.
    static func normalise(
        _ target: UnsafePointer<UInt8>, _ count: Int, scratch: UnsafeMutablePointer<UInt8>
    ) -> Outcome {
        var index = 0
        var last: UInt8 = 0
        while index < count {
            let byte = target[index]
            if byte == 0x3F || byte == 0x23 { break }
            if byte == 0x25 || last == 0x2F && (byte == 0x2F || byte == 0x2E) {
                return rewrite(target, count, scratch)
            }
            last = byte
            index += 1
        }
        return .plain(index)
    }

    private static func rewrite(
        _ target: UnsafePointer<UInt8>, _ count: Int, _ scratch: UnsafeMutablePointer<UInt8>
    ) -> Outcome {
        var read = 0
        var written = 0
        while read < count {
            var byte = target[read]
            if byte == 0x3F || byte == 0x23 { break }
            if byte == 0x25 {
                guard read + 2 < count, let high = hexValue(target[read + 1]), let low = hexValue(target[read + 2])
                else { return .invalid }
                byte = high << 4 | low
                if byte == 0 { return .invalid }
                read += 2
            }
            read += 1
            if byte == 0x2F {
                guard closeElement(scratch, &written) else { return .invalid }
                if written > 0, scratch[written - 1] == 0x2F { continue }
            }
            scratch[written] = byte
            written += 1
        }
        guard closeElement(scratch, &written) else { return .invalid }
        if written == 0 {
            scratch[0] = 0x2F
            written = 1
        }
        return .rewritten(written)
    }

    /// Resolves a last element of `.` or `..`; false when it leads above the root.
    private static func closeElement(_ path: UnsafeMutablePointer<UInt8>, _ count: inout Int) -> Bool {
        if count >= 2, path[count - 1] == 0x2E, path[count - 2] == 0x2F {
            count -= 1
        } else if count >= 3, path[count - 1] == 0x2E, path[count - 2] == 0x2E, path[count - 3] == 0x2F {
            count -= 3
            if count == 0 { return false }
            while count > 0, path[count - 1] != 0x2F { count -= 1 }
        }
        return true
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
