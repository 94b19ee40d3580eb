internal import Glibc
internal import NetworkTypes
internal import Transport

// What a route's filters make of a request before its upstream is asked.
extension ProxyCore {
    /// What is answered in place of an upstream's response.
    struct OwnReply {
        var status: Int32
        /// Empty for none; whoever answers releases it.
        var location = ByteBuffer()
    }

    /// Lets the request in `requestHead` pass the filters of its route, in their order. What the client is to be told beside the
    /// response is noted in the exchange.
    ///
    /// - Parameter hostRedirects: the host wants HTTPS.
    /// - Returns: nil for a request that goes on.
    mutating func filter(
        _ x: ExchangeReference, _ c: Client, _ chain: FilterChain, _ head: RequestHead, _ bytes: UnsafePointer<UInt8>,
        hostRedirects: Bool
    ) -> OwnReply? {
        if let cors = chain.cors, addCORS(cors, x, bytes), isOptions(bytes) { return OwnReply(status: 204) }
        if let rule = chain.redirect { return redirect(rule, c, head, bytes) }
        let wantsHTTPS = chain.httpsRedirect == .always || chain.httpsRedirect == .asHost && hostRedirects
        if wantsHTTPS, !isHTTPS(c, bytes) {
            // HTTP/1.0 needs no host: there is nowhere to send it to then.
            if head.hostNameCount == 0 { return OwnReply(status: 400) }
            return OwnReply(status: 308, location: writeRedirect(head, bytes))
        }
        // Where either is enough, the other may still come.
        let isNecessary = !chain.satisfiesAny || !chain.hasAuthentication
        if isNecessary, let sources = chain.sources, !sources.admits(c.pointee.address.ip) {
            return OwnReply(status: 403)
        }
        if let limits = chain.clientLimits {
            switch books.admit(c.pointee.address.ip, limits, now: loop.now.nanoseconds) {
            case .refused: return OwnReply(status: 503)
            case .admitted(let place): x.pointee.place = place
            }
        }
        return nil
    }

    /// - Returns: whether the request's origin may ask.
    private mutating func addCORS(
        _ policy: CORSPolicy, _ x: ExchangeReference, _ bytes: UnsafePointer<UInt8>
    ) -> Bool {
        buffers.reserve(policy.bound, in: &x.pointee.responseFields)
        var out = ByteCursor(x.pointee.responseFields.bytes + x.pointee.responseFields.count)
        let start = out.position
        let isAdmitted = policy.write(requestHead, bytes, to: &out)
        x.pointee.responseFields.end += out.position - start
        return isAdmitted
    }

    private func isOptions(_ bytes: UnsafePointer<UInt8>) -> Bool {
        let method = requestHead.pointee.method
        return method.count == 7 && memcmp(bytes + Int(method.start), "OPTIONS", 7) == 0
    }

    private mutating func redirect(
        _ rule: RedirectRule, _ c: Client, _ head: RequestHead, _ bytes: UnsafePointer<UInt8>
    ) -> OwnReply {
        if head.hostNameCount == 0, rule.location.contains(.host) { return OwnReply(status: 400) }
        let target = requestHead.pointee.pathAndQuery
        // `*` is no path (RFC 9110 section 7.1).
        let hasPath = !target.isEmpty && bytes[Int(target.start)] == 0x2F
        let host = UnsafeBufferPointer(
            start: bytes + Int(requestHead.pointee.authority.start), count: head.hostNameCount)
        let fixed = rule.location.reduce(0) { count, part in
            if case .text(let text) = part { count + text.count } else { count }
        }
        // Path and query may be named together, and apart.
        var location = buffers.take(fixed + 2 * Int(target.count) + host.count + 24)
        func append(_ text: StaticString) { location.append(text.utf8Start, text.utf8CodeUnitCount) }
        func append(_ text: UnsafeBufferPointer<UInt8>) {
            if let base = text.baseAddress { location.append(base, text.count) }
        }
        for part in rule.location {
            switch part {
            case .text(let text): text.withUnsafeBufferPointer { append($0) }
            case .pathAndQuery:
                if hasPath {
                    append(RequestValue.slice(target, bytes))
                } else {
                    append("/")
                    if !RequestValue.query(requestHead, bytes).isEmpty { append(RequestValue.slice(target, bytes)) }
                }
            case .path:
                if hasPath { append(RequestValue.path(requestHead, bytes)) } else { append("/") }
            case .query: append(RequestValue.query(requestHead, bytes))
            case .queryMark: if !RequestValue.query(requestHead, bytes).isEmpty { append("?") }
            case .host: append(host)
            case .port: append(port(head, bytes))
            case .scheme: append(isHTTPS(c, bytes) ? "https" : "http")
            }
        }
        return OwnReply(status: rule.status, location: location)
    }

    /// What follows the host in the request's authority: nothing, or a colon with up to five digits (``RequestHead`` lets nothing
    /// else through).
    private func port(_ head: RequestHead, _ bytes: UnsafePointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let authority = RequestValue.slice(requestHead.pointee.authority, bytes)
        guard let colon = authority[head.hostNameCount...].firstIndex(of: 0x3A) else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(rebasing: authority[colon...])
    }
}
