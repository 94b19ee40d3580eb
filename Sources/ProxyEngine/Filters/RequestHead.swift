internal import Glibc
internal import Transport

/// What the proxy needs to know of a parsed request head beyond its framing, and the head that the upstream gets.
/// Pure.
///
/// ``HTTP1RequestHead`` has already refused whatever two recipients could read in two ways (RFC 9112 section 6.3).
struct RequestHead {
    /// 0, or the status to refuse the request with.
    private(set) var refusal: Int32 = 0
    private(set) var isHead = false
    /// Sending it twice is the same as sending it once (RFC 9110 section 9.2.2).
    private(set) var isIdempotent = false
    private(set) var wantsUpgrade = false
    /// Length of the host without port (and without a trailing dot).
    private(set) var hostNameCount = 0

    private var forwardedForField = -1
    private var requestIDField = -1
    private var nominated = NominatedFields()

    init(_ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>) {
        let method = head.pointee.method
        readMethod(bytes + Int(method.start), Int(method.count))
        readHost(bytes, head.pointee.authority, isWanted: head.pointee.minorVersion >= 1)
        let target = head.pointee.pathAndQuery
        if memchr(bytes + Int(target.start), 0x23, Int(target.count)) != nil { refuse(400) }
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            switch field.kind {
            case .connection:
                if !nominated.read(field.value, bytes) { refuse(400) }
            case .xForwardedFor: forwardedForField = index
            case .xRequestID: if !field.value.isEmpty, field.value.count <= 256 { requestIDField = index }
            default: break
            }
        }
        // A body and a switch of protocols at once would leave open where the new protocol begins.
        wantsUpgrade =
            head.pointee.wantsUpgrade && head.pointee.framing == .none
            && !Self.namesHTTP2(head.pointee.fields.upgrade, bytes)
    }

    /// An upstream that switched to HTTP/2 would take requests that no route was asked for ("h2c smuggling").
    private static func namesHTTP2(_ upgrade: HTTP1Slice?, _ bytes: UnsafePointer<UInt8>) -> Bool {
        guard let upgrade else { return false }
        var index = Int(upgrade.start)
        let end = index + Int(upgrade.count)
        while index + 3 <= end {
            if equals(bytes + index, "h2c") { return true }
            index += 1
        }
        return false
    }

    private mutating func refuse(_ status: Int32) {
        if refusal == 0 { refusal = status }
    }

    private mutating func readMethod(_ method: UnsafePointer<UInt8>, _ count: Int) {
        switch count {
        case 3: isIdempotent = memcmp(method, "GET", 3) == 0 || memcmp(method, "PUT", 3) == 0
        case 4:
            isHead = memcmp(method, "HEAD", 4) == 0
            isIdempotent = isHead
        // As nginx: a reverse proxy has no use for TRACE and CONNECT.
        case 5: if memcmp(method, "TRACE", 5) == 0 { refuse(405) }
        case 6: isIdempotent = memcmp(method, "DELETE", 6) == 0
        case 7:
            if memcmp(method, "CONNECT", 7) == 0 { refuse(405) }
            isIdempotent = memcmp(method, "OPTIONS", 7) == 0
        default: break
        }
    }

    /// Finds the end of the host's name (RFC 3986 section 3.2: `host [":" *DIGIT]`, a host in brackets is an IPv6
    /// address). What is behind it is a port and nothing else: another recipient might take the rest for the name.
    ///
    /// - Parameter isWanted: the name must not be empty (RFC 9110 section 4.2.1).
    private mutating func readHost(_ bytes: UnsafePointer<UInt8>, _ authority: HTTP1Slice, isWanted: Bool) {
        let host = bytes + Int(authority.start)
        let end = Int(authority.count)
        var count = 0
        if end > 0, host[0] == 0x5B {
            count = 1
            while count < end, Self.isIPv6Character(host[count]) { count += 1 }
            guard count < end, host[count] == 0x5D, count > 2 else { return refuse(400) }
            count += 1
        } else {
            while count < end, host[count] != 0x3A {
                if host[count] == 0x5B || host[count] == 0x5D { return refuse(400) }
                count += 1
            }
        }
        if count < end, !Self.isPort(host + count, end - count) { return refuse(400) }
        if count == 0, isWanted { return refuse(400) }
        if count > 1, host[count - 1] == 0x2E { count -= 1 }
        hostNameCount = count
    }

    private static func isIPv6Character(_ byte: UInt8) -> Bool {
        byte == 0x3A || byte == 0x2E || byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
    }

    /// A colon and up to five digits that make a port at most; none is allowed (RFC 3986 section 3.2.3).
    private static func isPort(_ text: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard text[0] == 0x3A, count <= 6 else { return false }
        var number = 0
        for index in 1..<count {
            let digit = text[index] &- 0x30
            if digit > 9 { return false }
            number = number * 10 + Int(digit)
        }
        return number <= 65_535
    }

    /// Whether `name` is `expected` (lowercase letters, digits, hyphens; same length) without regard to case.
    @inline(__always)
    static func equals(_ name: UnsafePointer<UInt8>, _ expected: StaticString) -> Bool {
        let bytes = expected.utf8Start
        for index in 0..<expected.utf8CodeUnitCount where name[index] | 0x20 != bytes[index] { return false }
        return true
    }
}

// MARK: The request as the upstream gets it

extension RequestHead {
    /// Who the client is, for the fields that tell the upstream.
    struct Origin {
        var address: UnsafePointer<UInt8>
        var addressCount: Int
        var port: StaticBytes
        var isTLS: Bool
        var trustsForwarded: Bool
        var randomHigh: UInt64
        var randomLow: UInt64
        /// Its `Authorization` is none of the upstream's business.
        var hidesAuthorization = false
        /// Whose fields are none of the client's.
        var hidden: ExternalAuthentication?
        /// Lines about its certificate, each begun by CR and LF.
        var certificate: [UInt8] = []
    }

    /// Room that ``write(_:_:_:_:to:)`` needs at most, without what is rewritten.
    func writtenBound(_ head: UnsafePointer<HTTP1RequestHead>) -> Int {
        // Host twice, the client's X-Forwarded-For, and our own fields.
        let forwarded = forwardedForField >= 0 ? Int(head.pointee.fields[forwardedForField].value.count) : 0
        return head.pointee.byteCount + Int(head.pointee.authority.count) * 2 + forwarded + 640
    }

    /// Writes the request head for the upstream; returns its length.
    ///
    /// - Parameter host: what the upstream is told in place of the client's.
    func write(
        _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>, _ origin: Origin,
        _ rewritten: RewrittenTarget = RewrittenTarget(), host: [UInt8]? = nil,
        to destination: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var out = ByteCursor(destination)
        out.put(bytes, head.pointee.method)
        out.put(0x20)
        let target = head.pointee.pathAndQuery
        if rewritten.targetCount > 0 {
            out.put(rewritten.bytes.bytes, rewritten.targetCount)
        } else {
            if target.isEmpty || bytes[Int(target.start)] == 0x3F { out.put(0x2F) }
            out.put(bytes, target)
        }
        out.put(" HTTP/1.1\r\nHost: ")
        if let host {
            host.withUnsafeBufferPointer { if let base = $0.baseAddress { out.put(base, $0.count) } }
        } else {
            out.put(bytes, head.pointee.authority)
        }
        writeForwarded(head, bytes, origin, &out)
        let prefixes = rewritten.lineCount > 0
        if prefixes { out.put(rewritten.bytes.bytes + rewritten.targetCount, rewritten.lineCount) }
        if head.pointee.framing == .chunked { out.put("\r\nTransfer-Encoding: chunked") }
        if wantsUpgrade { out.put("\r\nConnection: upgrade") }
        origin.certificate.withUnsafeBufferPointer { lines in
            if let base = lines.baseAddress { out.put(base, lines.count) }
        }
        out.put("\r\n")
        copyFields(head, bytes, origin, dropsPrefix: prefixes, &out)
        out.put("\r\n")
        return out.position - destination
    }

    private func writeForwarded(
        _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>, _ origin: Origin,
        _ out: inout ByteCursor
    ) {
        out.put("\r\nX-Request-ID: ")
        if requestIDField >= 0 {
            out.put(bytes, head.pointee.fields[requestIDField].value)
        } else {
            out.put(hex: origin.randomHigh)
            out.put(hex: origin.randomLow)
        }
        out.put("\r\nX-Real-IP: ")
        out.put(origin.address, origin.addressCount)
        out.put("\r\nX-Forwarded-For: ")
        if forwardedForField >= 0, origin.trustsForwarded {
            out.put(bytes, head.pointee.fields[forwardedForField].value)
            out.put(", ")
        }
        out.put(origin.address, origin.addressCount)
        var kept = ForwardedFields()
        if origin.trustsForwarded { kept = ForwardedFields(head) }
        if !kept.host {
            out.put("\r\nX-Forwarded-Host: ")
            out.put(bytes, head.pointee.authority)
        }
        if !kept.port {
            out.put("\r\nX-Forwarded-Port: ")
            out.put(origin.port.base, origin.port.count)
        }
        if origin.isTLS {
            if !kept.proto { out.put("\r\nX-Forwarded-Proto: https") }
            if !kept.scheme { out.put("\r\nX-Forwarded-Scheme: https") }
            out.put("\r\nX-Scheme: https")
        } else {
            if !kept.proto { out.put("\r\nX-Forwarded-Proto: http") }
            if !kept.scheme { out.put("\r\nX-Forwarded-Scheme: http") }
            out.put("\r\nX-Scheme: http")
        }
        if forwardedForField >= 0, !origin.trustsForwarded {
            out.put("\r\nX-Original-Forwarded-For: ")
            out.put(bytes, head.pointee.fields[forwardedForField].value)
        }
    }

    /// Copies the fields that pass unchanged, neighbours in one go.
    private func copyFields(
        _ head: UnsafePointer<HTTP1RequestHead>, _ bytes: UnsafePointer<UInt8>, _ origin: Origin, dropsPrefix: Bool,
        _ out: inout ByteCursor
    ) {
        var runStart = -1
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            let start = Int(field.name.start)
            var passes = passes(field, bytes + start, bytes, origin)
            if dropsPrefix, field.name.count == 18, Self.equals(bytes + start, "x-forwarded-prefix") { passes = false }
            if passes {
                if runStart < 0 { runStart = start }
            } else if runStart >= 0 {
                out.put(bytes + runStart, start - runStart)
                runStart = -1
            }
        }
        if runStart >= 0 { out.put(bytes + runStart, head.pointee.byteCount - 2 - runStart) }
    }

    /// Letters, digits and hyphens. What else a name may hold (RFC 9110 section 5.6.2) becomes an underscore in the
    /// environment of a CGI-like application, as the hyphen does: `X_Forwarded_For` would stand for the field that
    /// only a proxy may set. As nginx (`ignore_invalid_headers`, `underscores_in_headers off`).
    @inline(__always)
    private static func isPlainName(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for index in 0..<count {
            let byte = name[index]
            let isPlain = (byte | 0x20) &- 0x61 < 26 || byte == 0x2D || byte &- 0x30 < 10
            if !isPlain { return false }
        }
        return true
    }

    @inline(__always)
    func passes(
        _ field: HTTP1Field, _ name: UnsafePointer<UInt8>, _ bytes: UnsafePointer<UInt8>, _ origin: Origin
    ) -> Bool {
        switch field.kind {
        case .host, .connection, .transferEncoding, .expect, .te, .keepAlive, .proxyConnection,
            .xForwardedFor, .xRealIP, .xRequestID, .xScheme:
            return false
        case .upgrade: return wantsUpgrade
        case .xForwardedHost, .xForwardedProto, .xForwardedPort, .xForwardedScheme: return origin.trustsForwarded
        case .contentLength: return true
        case .other, .forwarded, .cookie, .date, .server, .location, .trailer:
            if field.name.count == 5, Self.equals(name, "proxy") { return false }
            if let hidden = origin.hidden, hidden.passes(RequestValue.Bytes(start: name, count: Int(field.name.count)))
            {
                return false
            }
            if origin.hidesAuthorization, field.name.count == 13, Self.equals(name, "authorization") { return false }
            if field.name.count == 24, Self.equals(name, "x-original-forwarded-for") { return false }
            if Self.isOfCertificate(name, Int(field.name.count)) {
                // A trusted proxy in front may speak of certificates that it has seen itself.
                return origin.trustsForwarded && origin.certificate.isEmpty
            }
            if !Self.isPlainName(name, Int(field.name.count)) { return false }
            return !nominated.contains(field.name, bytes)
        }
    }

    /// `ssl-client-cert`, `-verify`, `-subject-dn` and `-issuer-dn`, which say who a client is.
    @inline(__always)
    private static func isOfCertificate(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        switch count {
        case 15: equals(name, "ssl-client-cert")
        case 17: equals(name, "ssl-client-verify")
        case 20: equals(name, "ssl-client-issuer-dn")
        case 21: equals(name, "ssl-client-subject-dn")
        default: false
        }
    }

    /// Which fields a trusted proxy in front has set.
    private struct ForwardedFields {
        var host = false
        var port = false
        var proto = false
        var scheme = false

        init() {}

        init(_ head: UnsafePointer<HTTP1RequestHead>) {
            for index in 0..<head.pointee.fields.count {
                switch head.pointee.fields[index].kind {
                case .xForwardedHost: host = true
                case .xForwardedPort: port = true
                case .xForwardedProto: proto = true
                case .xForwardedScheme: scheme = true
                default: break
                }
            }
        }
    }
}

extension ByteCursor {
    @inline(__always)
    mutating func put(_ bytes: UnsafePointer<UInt8>, _ slice: HTTP1Slice) {
        put(bytes + Int(slice.start), Int(slice.count))
    }
}
