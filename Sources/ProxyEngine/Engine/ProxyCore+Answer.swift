internal import Glibc
internal import Transport

// Responses of the proxy's own: errors and redirects.
extension ProxyCore {
    /// Answers a request that could not even be understood, and ends the connection.
    mutating func refuse(_ c: Client, _ status: Int32) {
        guard c.isLive else { return }
        let x = c.pointee.exchange.isNone ? beginExchange(c) : exchanges[c.pointee.exchange]
        x.pointee.flags.remove(.keepAlive)
        answer(x, status)
    }

    /// Sends a page for `status`. The upstream connection must have been given up. The client is between two requests
    /// afterwards, or on its way out; the caller of the outermost step goes on with ``continueClient(_:)``.
    mutating func answer(_ x: ExchangeReference, _ status: Int32, location: ByteBuffer? = nil) {
        let c = clients[x.pointee.client]
        if !c.pointee.asker.isNone { return questionFailed(c) }
        let page = ErrorPage(status)
        x.pointee.status = page.status
        // Whoever speaks TLS with somebody else has no use for our words.
        if x.pointee.flags.contains(.passesThrough) { return abandon(c) }
        if !c.pointee.carrier.isNone { return answerOnStream(x, c, page, location: location) }
        let closes = !x.pointee.flags.contains(.keepAlive) || !x.pointee.body.isComplete || isDraining
        if closes { x.pointee.flags.remove(.keepAlive) }
        let reason = page.reason
        var out = ByteCursor(headScratch)
        out.put("HTTP/1.1 ")
        out.put(decimal: Int(page.status))
        out.put(0x20)
        out.put(reason)
        out.put("\r\nServer: martlet\r\n")
        currentDate().write(to: &out)
        if page.hasBody {
            out.put("Content-Type: text/html\r\nContent-Length: ")
            out.put(decimal: page.bodyCount)
            out.put("\r\n")
        }
        if let location, !location.isEmpty {
            out.put("Location: ")
            out.put(location.bytes, location.count)
            out.put("\r\n")
        }
        if let seconds = page.retryAfter {
            out.put("Retry-After: ")
            out.put(seconds)
            out.put("\r\n")
        }
        if let lines = x.pointee.responseFields.readable, let base = lines.baseAddress { out.put(base, lines.count) }
        if closes {
            out.put("Connection: close\r\n")
        } else if x.pointee.flags.contains(.http10) {
            out.put("Connection: keep-alive\r\n")
        }
        out.put("\r\n")
        if page.hasBody, !x.pointee.flags.contains(.head) { page.writeBody(&out) }
        guard send(x, c, headScratch, out.position - headScratch) else { return }
        endExchange(x, c)
    }

    /// Whether a request of a host that wants HTTPS came without it.
    func mustRedirect(_ c: Client, _ head: RequestHead, _ bytes: UnsafePointer<UInt8>) -> Bool {
        if c.pointee.isSecure || head.hostNameCount == 0 { return false }
        return !isHTTPS(c, bytes)
    }

    /// Whether the client asks by HTTPS.
    func isHTTPS(_ c: Client, _ bytes: UnsafePointer<UInt8>) -> Bool {
        if c.pointee.isSecure { return true }
        guard configuration?.trustsForwarded ?? false else { return false }
        // A trusted proxy in front may have ended the TLS.
        if let field = requestHead.pointee.fields.first(.xForwardedProto), field.value.count == 5,
            RequestHead.equals(bytes + Int(field.value.start), "https")
        {
            return true
        }
        return false
    }

    /// The target of a redirect to HTTPS; the caller releases it.
    mutating func writeRedirect(_ head: RequestHead, _ bytes: UnsafePointer<UInt8>) -> ByteBuffer {
        let target = requestHead.pointee.pathAndQuery
        let suffix = configuration?.httpsPortSuffix ?? []
        var location = buffers.take(head.hostNameCount + Int(target.count) + suffix.count + 16)
        let scheme: StaticString = "https://"
        location.append(scheme.utf8Start, scheme.utf8CodeUnitCount)
        location.append(bytes + Int(requestHead.pointee.authority.start), head.hostNameCount)
        suffix.withUnsafeBufferPointer { suffix in
            if let base = suffix.baseAddress { location.append(base, suffix.count) }
        }
        if target.isEmpty || bytes[Int(target.start)] != 0x2F {
            let root: StaticString = "/"
            location.append(root.utf8Start, 1)
        }
        // `*` is no path (RFC 9110 section 7.1).
        if !target.isEmpty, bytes[Int(target.start)] != 0x2A {
            location.append(bytes + Int(target.start), Int(target.count))
        }
        return location
    }
}
