/// What a look at the start of a buffer gave.
package enum HTTP1ParseResult: Sendable, Hashable {
    case complete
    /// The head is correct so far and not at its end: read more and parse again from the start.
    case incomplete
    /// The connection must be closed after the answer: where the next message begins is unknown.
    case invalid(HTTP1Violation)
}

/// Why a message is refused.
package enum HTTP1Violation: Sendable, Hashable {
    case malformedStartLine
    case malformedField
    /// A line that continues the previous field (RFC 9112, 5.2).
    case obsoleteFolding
    /// CR without LF, or LF without CR.
    case malformedLineEnd
    /// Content-Length is malformed, given twice, or given beside Transfer-Encoding: the body's end is ambiguous.
    case ambiguousLength
    /// Transfer-Encoding is given twice, in HTTP/1.0, or is not `chunked` alone.
    case unsupportedTransferCoding
    /// Host is missing in HTTP/1.1, given twice or malformed.
    case malformedHost
    case headTooLarge
    case unsupportedVersion

    /// The status to answer with.
    package var status: Int {
        switch self {
        case .headTooLarge: 431
        case .unsupportedVersion: 505
        case .unsupportedTransferCoding: 501
        default: 400
        }
    }
}

extension HTTP1Violation: CustomStringConvertible {
    /// What a client is told.
    package var description: String {
        switch self {
        case .malformedStartLine: "malformed HTTP request"
        case .malformedField: "malformed header field"
        case .obsoleteFolding: "header fields may not go on in the next line"
        case .malformedLineEnd: "lines must end with CR LF"
        case .ambiguousLength: "the length of the body is ambiguous"
        case .unsupportedTransferCoding: "unsupported transfer encoding"
        case .malformedHost: "missing or malformed Host header"
        case .headTooLarge: "the header is too large"
        case .unsupportedVersion: "unsupported HTTP version"
        }
    }
}

/// How the end of a body is found (RFC 9112, 6.3).
package enum HTTP1BodyFraming: Sendable, Hashable {
    case none
    case length(Int)
    case chunked
    /// Responses only: the body ends with the connection.
    case untilClose
}

/// Bounds on what a head may be.
package struct HTTP1HeadLimits: Sendable, Hashable {
    /// Bytes of the whole head, at most 65,535.
    package var headBytes: Int

    package init(headBytes: Int = 32 * 1024) {
        self.headBytes = min(max(headBytes, 64), 65_535)
    }
}
