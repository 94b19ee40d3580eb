internal import Glibc
internal import Transport

extension CORSPolicy {
    /// The longest origin that is said back.
    static let longestOrigin = 512

    /// Room that ``write(_:_:to:)`` needs at most.
    var bound: Int { lines.count + Self.longestOrigin + 64 }

    /// Writes the lines for a request from an origin that is let in; for others, that the answer depends on it.
    ///
    /// - Returns: whether it is.
    func write(
        _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>, to out: inout ByteCursor
    ) -> Bool {
        guard origins != nil else {
            out.put("Access-Control-Allow-Origin: *\r\n")
            put(&out)
            return true
        }
        let origin = RequestValue.field(Self.originName, head, bytes)
        guard origin.count > 0, origin.count <= Self.longestOrigin, admits(origin) else {
            // Caches must not show others what this one was told.
            out.put("Vary: Origin\r\n")
            return false
        }
        out.put("Access-Control-Allow-Origin: ")
        if let base = origin.baseAddress { out.put(base, origin.count) }
        out.put("\r\nVary: Origin\r\n")
        put(&out)
        return true
    }

    private func put(_ out: inout ByteCursor) {
        lines.withUnsafeBufferPointer { if let base = $0.baseAddress { out.put(base, $0.count) } }
    }

    private static let originName = Array("origin".utf8)

    private func admits(_ origin: UnsafeBufferPointer<UInt8>) -> Bool {
        origins?.contains { $0.matches(origin) } ?? true
    }
}

extension CORSPolicy.Origin {
    /// Without regard to case, as ingress-nginx does it.
    func matches(_ origin: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let end else { return origin.count == start.count && Self.equals(origin[...], start) }
        let open = origin.count - start.count - end.count
        guard open > 0, Self.equals(origin[..<start.count], start), Self.equals(origin[(start.count + open)...], end)
        else { return false }
        return origin[start.count..<(start.count + open)].allSatisfy {
            ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
        }
    }

    private static func equals(_ text: Slice<UnsafeBufferPointer<UInt8>>, _ expected: [UInt8]) -> Bool {
        text.elementsEqual(expected) { $0.asciiLowercased == $1 }
    }
}
