internal import Transport

/// What may be passed on of the trailer section of a message (RFC 9110 section 6.5). Pure.
///
/// Whoever gets it may merge it into the fields of the head: so nothing passes by which somebody frames, routes, identifies or
/// believes, and nothing that only a proxy may set.
enum TrailerSection {
    /// Of a request; what is sent to clients is an endpoint's own.
    enum Side { case request, response }

    /// Adds what passes of the lines `section`, which end in CR and LF, to `lines`: each as name, colon, space, value, CR and LF.
    static func copy(
        _ section: UnsafePointer<UInt8>, _ count: Int, of side: Side, to lines: inout ByteBuffer,
        _ buffers: inout BufferPool
    ) {
        var start = 0
        while start < count {
            var end = start
            while end < count, section[end] != 0x0D { end += 1 }
            copyLine(UnsafeBufferPointer(start: section + start, count: end - start), side, &lines, &buffers)
            start = end + 2
        }
    }

    private static func copyLine(
        _ line: UnsafeBufferPointer<UInt8>, _ side: Side, _ lines: inout ByteBuffer, _ buffers: inout BufferPool
    ) {
        guard let base = line.baseAddress, let colon = line.firstIndex(of: 0x3A),
            passes(UnsafeBufferPointer(start: base, count: colon), side)
        else { return }
        var first = colon + 1
        var last = line.count
        while first < last, isBlank(base[first]) { first += 1 }
        while first < last, isBlank(base[last - 1]) { last -= 1 }
        for index in first..<last where base[index] < 0x20 && base[index] != 0x09 || base[index] == 0x7F { return }
        let size = colon + 2 + last - first + 2
        buffers.reserve(size, in: &lines)
        lines.append(base, colon)
        append(": ", &lines)
        lines.append(base + first, last - first)
        append("\r\n", &lines)
    }

    private static func append(_ text: StaticString, _ lines: inout ByteBuffer) {
        lines.append(text.utf8Start, text.utf8CodeUnitCount)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether a field of this name may stand behind the content.
    static func passes(_ name: UnsafeBufferPointer<UInt8>, _ side: Side) -> Bool {
        guard !name.isEmpty, name.allSatisfy({ isNameCharacter($0, side) }) else { return false }
        // All that the engine itself looks at or writes.
        guard HTTP1FieldKind.recognise(UnsafeRawBufferPointer(name)) == .other else { return false }
        return !heads.contains { matches(name, $0) } && !prefixes.contains { matches(name, $0, isPrefix: true) }
    }

    /// Letters, digits and hyphens of requests, as in their heads; any token's of responses (RFC 9110 section 5.6.2).
    private static func isNameCharacter(_ byte: UInt8, _ side: Side) -> Bool {
        if (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D { return true }
        guard side == .response else { return false }
        return switch byte {
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    /// Fields of heads, beside those that ``HTTP1FieldKind`` knows: control data, of requests and responses, authentication, and what
    /// the content is (RFC 9110 section 6.5.1).
    private static let heads: [StaticString] = [
        "age", "authorization", "cache-control", "content-encoding", "content-range", "content-type", "expires",
        "http2-settings", "max-forwards", "pragma", "proxy", "proxy-authenticate", "proxy-authorization", "range",
        "realm",
        "retry-after", "set-cookie", "vary", "warning", "www-authenticate", "x-original-forwarded-for",
    ]
    /// Conditions, and whatever else proxies tell of clients.
    private static let prefixes: [StaticString] = ["if-", "ssl-client-", "x-forwarded-"]

    private static func matches(
        _ name: UnsafeBufferPointer<UInt8>, _ text: StaticString, isPrefix: Bool = false
    ) -> Bool {
        let count = text.utf8CodeUnitCount
        guard name.count == count || isPrefix && name.count > count, let base = name.baseAddress else { return false }
        return RequestHead.equals(base, text)
    }
}
