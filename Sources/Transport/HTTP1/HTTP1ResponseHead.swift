/// A response head, parsed in place and in one pass (RFC 9112); the counterpart of ``HTTP1RequestHead``, and more
/// lenient: see ``HTTP1Fields``.
package struct HTTP1ResponseHead: Sendable {
    /// 100…999.
    package private(set) var status = 0
    /// The reason phrase; may be empty.
    package private(set) var reason = HTTP1Slice.empty
    package private(set) var minorVersion: UInt8 = 1
    package private(set) var fields = HTTP1Fields()
    package private(set) var byteCount = 0
    package private(set) var framing = HTTP1BodyFraming.none

    package init() {}

    /// 1xx other than 101: another head follows.
    package var isInformational: Bool { status < 200 && status != 101 }

    /// Whether the connection may be used again once the body is read.
    package var keepsAlive: Bool {
        if fields.connectionClose || framing == .untilClose || status == 101 { return false }
        return minorVersion >= 1 || fields.connectionKeepAlive
    }

    /// Parses the head at the start of `buffer`. `toHead`: the request was HEAD, so that no body follows whatever
    /// the fields say.
    package mutating func parse(
        _ buffer: UnsafeRawBufferPointer, toHead: Bool, limits: HTTP1HeadLimits = HTTP1HeadLimits()
    ) -> HTTP1ParseResult {
        let window = UnsafeRawBufferPointer(rebasing: buffer.prefix(limits.headBytes))
        let result = parseHead(window, toHead)
        if result == .incomplete, buffer.count > limits.headBytes { return .invalid(.headTooLarge) }
        return result
    }

    private mutating func parseHead(_ buffer: UnsafeRawBufferPointer, _ toHead: Bool) -> HTTP1ParseResult {
        guard buffer.count >= 13 else { return .incomplete }
        guard let version = HTTP1RequestHead.parseVersion(buffer, at: 0) else { return .invalid(.malformedStartLine) }
        guard version.major == 1 else { return .invalid(.unsupportedVersion) }
        minorVersion = min(version.minor, 1)
        guard buffer[8] == 0x20,
            let number = HTTP1Scan.decimal(UnsafeRawBufferPointer(rebasing: buffer[9..<12])), number >= 100
        else { return .invalid(.malformedStartLine) }
        status = number
        // Some servers leave out the space before an empty phrase.
        guard buffer[12] == 0x20 || buffer[12] == 0x0D || buffer[12] == 0x0A else {
            return .invalid(.malformedStartLine)
        }
        let reasonStart = buffer[12] == 0x20 ? 13 : 12
        let lineEnd = HTTP1Scan.endOfFieldValue(buffer, from: reasonStart)
        guard lineEnd < buffer.count else { return .incomplete }
        var position = lineEnd + 1
        if buffer[lineEnd] != 0x0A {
            guard position < buffer.count else { return .incomplete }
            guard buffer[lineEnd] == 0x0D, buffer[position] == 0x0A else { return .invalid(.malformedLineEnd) }
            position += 1
        }
        reason = HTTP1Slice(reasonStart, lineEnd)

        let result = fields.parse(buffer, position: &position, isResponse: true)
        guard result == .complete else { return result }
        byteCount = position
        if toHead || status < 200 || status == 204 || status == 304 {
            framing = .none
        } else if fields.isChunked {
            guard minorVersion >= 1 else { return .invalid(.unsupportedTransferCoding) }
            framing = .chunked
        } else if fields.isCoded {
            // RFC 9112, 6.3: without `chunked` at the end only the end of the connection ends it.
            framing = .untilClose
        } else if let length = fields.contentLength {
            framing = length > 0 ? .length(length) : .none
        } else {
            framing = .untilClose
        }
        return .complete
    }
}
