/// One header field as ranges of the parsed buffer.
package struct HTTP1Field: Sendable {
    package var name: HTTP1Slice
    /// Without surrounding white space.
    package var value: HTTP1Slice
    package var kind: HTTP1FieldKind

    init() {
        name = .empty
        value = .empty
        kind = .other
    }

    @inline(__always)
    init(name: HTTP1Slice, value: HTTP1Slice, kind: HTTP1FieldKind) {
        self.name = name
        self.value = value
        self.kind = kind
    }
}

/// The fields that a server or proxy has to recognise.
package enum HTTP1FieldKind: UInt8, Sendable {
    case other
    case host, connection, contentLength, transferEncoding, upgrade, expect, te, trailer, keepAlive, proxyConnection
    case xForwardedFor, xForwardedHost, xForwardedProto, xForwardedPort, xForwardedScheme, xRealIP, xRequestID
    case xScheme, forwarded
    case cookie, date, server, location

    /// Recognises a name by its length and then its bytes.
    package static func recognise(_ name: UnsafeRawBufferPointer) -> HTTP1FieldKind {
        switch name.count {
        case 2: match(name, "te", .te)
        case 4: match(name, "host", .host, "date", .date)
        case 6: match(name, "cookie", .cookie, "expect", .expect, "server", .server)
        case 7: match(name, "upgrade", .upgrade, "trailer", .trailer)
        case 8: match(name, "location", .location, "x-scheme", .xScheme)
        case 9: match(name, "x-real-ip", .xRealIP, "forwarded", .forwarded)
        case 10: match(name, "connection", .connection, "keep-alive", .keepAlive)
        case 12: match(name, "x-request-id", .xRequestID)
        case 14: match(name, "content-length", .contentLength)
        case 15: match(name, "x-forwarded-for", .xForwardedFor)
        case 16:
            match(
                name, "x-forwarded-host", .xForwardedHost, "x-forwarded-port", .xForwardedPort, "proxy-connection",
                .proxyConnection)
        case 17: match(name, "transfer-encoding", .transferEncoding, "x-forwarded-proto", .xForwardedProto)
        case 18: match(name, "x-forwarded-scheme", .xForwardedScheme)
        default: .other
        }
    }

    @inline(__always)
    private static func match(_ name: UnsafeRawBufferPointer, _ text: StaticString, _ kind: Self) -> Self {
        HTTP1Scan.equals(name, lowercase: text) ? kind : .other
    }

    @inline(__always)
    private static func match(
        _ name: UnsafeRawBufferPointer, _ a: StaticString, _ first: Self, _ b: StaticString, _ second: Self
    ) -> Self {
        if HTTP1Scan.equals(name, lowercase: a) { return first }
        return HTTP1Scan.equals(name, lowercase: b) ? second : .other
    }

    @inline(__always)
    private static func match(
        _ name: UnsafeRawBufferPointer, _ a: StaticString, _ first: Self, _ b: StaticString, _ second: Self,
        _ c: StaticString, _ third: Self
    ) -> Self {
        if HTTP1Scan.equals(name, lowercase: a) { return first }
        if HTTP1Scan.equals(name, lowercase: b) { return second }
        return HTTP1Scan.equals(name, lowercase: c) ? third : .other
    }
}
