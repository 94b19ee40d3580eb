/// A request head, parsed in place and in one pass (RFC 9112): everything is a range of the caller's buffer. Strict,
/// so that no proxy behind or before us can read the same bytes differently; deviations towards leniency are named
/// where they are. A plain value of about 1 KiB, without references up to ``HTTP1Fields/inlineCapacity`` fields: keep one for
/// each loop and parse into it.
package struct HTTP1RequestHead: Sendable {
    package private(set) var method = HTTP1Slice.empty
    /// As sent: `/path?query`, `http://host/path?query` or `*`.
    package private(set) var target = HTTP1Slice.empty
    /// The target without scheme and authority, as far as it goes: empty for `http://host` (meaning `/`).
    package private(set) var pathAndQuery = HTTP1Slice.empty
    /// Where the request is for: the authority of an absolute target, else Host (RFC 9112, 3.2.2); may be empty.
    package private(set) var authority = HTTP1Slice.empty
    /// 0 or 1; a larger minor version counts as 1.
    package private(set) var minorVersion: UInt8 = 1
    package private(set) var fields = HTTP1Fields()
    /// Bytes up to the body, including a leading empty line that was skipped.
    package private(set) var byteCount = 0
    package private(set) var framing = HTTP1BodyFraming.none

    package init() {}

    /// Whether the connection may carry another request (RFC 9112, 9.3).
    package var keepsAlive: Bool {
        if fields.connectionClose { return false }
        return minorVersion >= 1 || fields.connectionKeepAlive
    }

    /// The client waits for 100 before it sends the body. HTTP/1.0 clients cannot mean it (RFC 9110, 10.1.1).
    package var expectsContinue: Bool { fields.expectsContinue && minorVersion >= 1 && framing != .none }

    /// Upgrade is present and Connection lists it.
    package var wantsUpgrade: Bool { fields.connectionUpgrade && fields.upgrade != nil && minorVersion >= 1 }

    /// Parses the head at the start of `buffer`, which may go on with the body and further requests. Everything but
    /// the result is meaningful only after `.complete`, and only with these bytes.
    package mutating func parse(
        _ buffer: UnsafeRawBufferPointer, limits: HTTP1HeadLimits = HTTP1HeadLimits()
    ) -> HTTP1ParseResult {
        let window = UnsafeRawBufferPointer(rebasing: buffer.prefix(limits.headBytes))
        let result = parseHead(window)
        if result == .incomplete, buffer.count > limits.headBytes { return .invalid(.headTooLarge) }
        return result
    }

    private mutating func parseHead(_ buffer: UnsafeRawBufferPointer) -> HTTP1ParseResult {
        var index = 0
        // RFC 9112, 2.2: an empty line before the request line is skipped (one is enough).
        if index + 1 < buffer.count, buffer[0] == 0x0D {
            guard buffer[1] == 0x0A else { return .invalid(.malformedLineEnd) }
            index = 2
        }
        let methodEnd = HTTP1Scan.endOfToken(buffer, from: index)
        guard methodEnd - index <= 32 else { return .invalid(.malformedStartLine) }
        guard methodEnd < buffer.count else { return .incomplete }
        guard methodEnd > index, buffer[methodEnd] == 0x20 else {
            // A lone CR may be the first half of an empty line.
            if methodEnd == 0, buffer[0] == 0x0D, buffer.count == 1 { return .incomplete }
            return .invalid(.malformedStartLine)
        }
        method = HTTP1Slice(index, methodEnd)

        let targetStart = methodEnd + 1
        let targetEnd = HTTP1Scan.endOfTarget(buffer, from: targetStart)
        guard targetEnd < buffer.count else { return .incomplete }
        guard targetEnd > targetStart, buffer[targetEnd] == 0x20 else { return .invalid(.malformedStartLine) }
        target = HTTP1Slice(targetStart, targetEnd)

        // "HTTP/1.x" CR LF
        let versionStart = targetEnd + 1
        guard let version = Self.parseVersion(buffer, at: versionStart) else {
            return buffer.count - versionStart < 8 ? .incomplete : .invalid(.malformedStartLine)
        }
        guard version.major == 1 else { return .invalid(.unsupportedVersion) }
        minorVersion = min(version.minor, 1)
        let lineEnd = versionStart + 8
        guard lineEnd + 1 < buffer.count else {
            if lineEnd < buffer.count, buffer[lineEnd] != 0x0D { return .invalid(.malformedLineEnd) }
            return .incomplete
        }
        guard buffer[lineEnd] == 0x0D, buffer[lineEnd + 1] == 0x0A else { return .invalid(.malformedLineEnd) }

        var position = lineEnd + 2
        let result = fields.parse(buffer, position: &position)
        guard result == .complete else { return result }
        byteCount = position
        return finish(buffer)
    }

    private mutating func finish(_ buffer: UnsafeRawBufferPointer) -> HTTP1ParseResult {
        if fields.isChunked {
            // RFC 9112, 6.1: HTTP/1.0 knows no transfer codings; such a message is a smuggling attempt.
            guard minorVersion >= 1 else { return .invalid(.unsupportedTransferCoding) }
            framing = .chunked
        } else if let length = fields.contentLength, length > 0 {
            framing = .length(length)
        } else {
            framing = .none
        }
        guard fields.host != nil || minorVersion == 0 else { return .invalid(.malformedHost) }
        authority = fields.host ?? .empty
        pathAndQuery = target
        let bytes = target.bytes(in: buffer)
        if bytes[0] == 0x2F { return .complete }
        if bytes.count == 1, bytes[0] == 0x2A, method.matches("options", in: buffer) { return .complete }
        return parseAbsoluteTarget(bytes)
    }

    private mutating func parseAbsoluteTarget(_ bytes: UnsafeRawBufferPointer) -> HTTP1ParseResult {
        let schemeLength: Int
        if bytes.count > 7, HTTP1Scan.equals(UnsafeRawBufferPointer(rebasing: bytes[..<7]), lowercase: "http://") {
            schemeLength = 7
        } else if bytes.count > 8,
            HTTP1Scan.equals(UnsafeRawBufferPointer(rebasing: bytes[..<8]), lowercase: "https://")
        {
            schemeLength = 8
        } else {
            return .invalid(.malformedStartLine)
        }
        var end = schemeLength
        while end < bytes.count, bytes[end] != 0x2F, bytes[end] != 0x3F { end += 1 }
        guard end > schemeLength,
            HTTP1Fields.isPlausibleHost(UnsafeRawBufferPointer(rebasing: bytes[schemeLength..<end]))
        else { return .invalid(.malformedStartLine) }
        let start = Int(target.start)
        authority = HTTP1Slice(start + schemeLength, start + end)
        pathAndQuery = HTTP1Slice(start + end, start + bytes.count)
        return .complete
    }

    static func parseVersion(_ buffer: UnsafeRawBufferPointer, at start: Int) -> (major: UInt8, minor: UInt8)? {
        guard start + 8 <= buffer.count else { return nil }
        // "HTTP/" as a little-endian number, then digit, '.', digit.
        let word = UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        guard word & 0xff_ffff_ffff == 0x2f_5054_5448, buffer[start + 6] == 0x2E else { return nil }
        let major = buffer[start + 5] &- 0x30
        let minor = buffer[start + 7] &- 0x30
        guard major <= 9, minor <= 9 else { return nil }
        return (major, minor)
    }
}
