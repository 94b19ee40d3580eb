internal import Glibc
internal import Transport

// Upgraded connections: bytes both ways until both sides have ended (RFC 9110 section 7.8).
extension ProxyCore {
    /// The upstream answered 101.
    mutating func switchProtocols(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        guard x.pointee.flags.contains(.upgrade), responseHead.pointee.fields.upgrade != nil else {
            return lost(u, x, .malformed)
        }
        if !c.pointee.carrier.isNone, !isWebSocketAccepted(x, bytes) { return lost(u, x, .malformed) }
        let headCount = responseHead.pointee.byteCount
        u.pointee.hasHead = true
        u.pointee.phase = .tunnel
        u.pointee.isReusable = false
        c.pointee.phase = .tunnel
        x.pointee.phase = .switched
        x.pointee.status = 101
        if accessLog == nil {
            buffers.release(&x.pointee.request)
            x.pointee.requestSent = 0
        }
        accounts.tunnels += 1
        clearTimer(upstream: u)
        setTimer(client: c, tunnelTicks(c))
        if !c.pointee.carrier.isNone {
            respondOnStream(c, bytes, hasContent: true)
        } else {
            var written = ResponseHead.write(
                responseHead, bytes, framing: .asIs, connection: .upgrade, date: currentDate(),
                added: x.pointee.responseFields.readable, to: headScratch)
            if x.pointee.flags.contains(.newSession) {
                written = addSessionCookie(x, c, headCount: headCount, written: written)
            }
            guard send(x, c, headScratch, written) else { return }
        }
        buffers.release(&x.pointee.responseFields)
        if count > headCount, !send(x, c, bytes + headCount, count - headCount) { return }
        // Both may have sent more already.
        pumpTunnelUp(c)
        if u.isLive { pumpTunnelDown(u) }
    }

    /// Whether the 101 in `responseHead`, of `bytes`, answers the WebSocket handshake that a stream's request was turned into
    /// (RFC 6455 section 4.1): nobody behind the proxy could see that.
    private func isWebSocketAccepted(_ x: ExchangeReference, _ bytes: UnsafePointer<UInt8>) -> Bool {
        let request = x.pointee.request
        let window = UnsafeRawBufferPointer(start: request.base, count: request.end)
        guard let base = request.base, let upgrade = responseHead.pointee.fields.upgrade, upgrade.count == 9,
            RequestHead.equals(bytes + Int(upgrade.start), "websocket"),
            requestHead.pointee.parse(window, limits: HTTP1HeadLimits(headBytes: 65_535)) == .complete,
            let key = Self.value(of: "sec-websocket-key", in: requestHead.pointee.fields, base),
            let accept = Self.value(of: "sec-websocket-accept", in: responseHead.pointee.fields, bytes)
        else { return false }
        return WebSocketKey(key).isAccepted(by: accept)
    }

    private static func value(
        of name: StaticString, in fields: HTTP1Fields, _ bytes: UnsafePointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8>? {
        for index in 0..<fields.count {
            let field = fields[index]
            guard field.kind == .other, Int(field.name.count) == name.utf8CodeUnitCount,
                RequestHead.equals(bytes + Int(field.name.start), name)
            else { continue }
            return UnsafeBufferPointer(start: bytes + Int(field.value.start), count: Int(field.value.count))
        }
        return nil
    }

    /// Client to upstream.
    mutating func pumpTunnelUp(_ c: Client) {
        guard c.isLive, c.pointee.phase == .tunnel else { return }
        let x = exchanges[c.pointee.exchange]
        guard !x.pointee.upstream.isNone else { return }
        let u = pool.connections[x.pointee.upstream]
        if !c.pointee.input.isEmpty, u.pointee.output.isEmpty {
            var kept = c.pointee.input
            c.pointee.input = ByteBuffer()
            let isAlive = sendTunnelUp(u, x, c, kept.bytes, kept.count)
            buffers.release(&kept)
            guard isAlive else { return }
        }
        if !c.pointee.carrier.isNone {
            guard c.pointee.input.isEmpty else { return }
            acknowledgeInput(c)
            if c.pointee.peerClosed, u.pointee.output.isEmpty {
                u.pointee.socket.tls?.shutdown()
                Socket.shutdownWrite(u.pointee.socket.descriptor)
            }
            return
        }
        var rounds = 0
        while c.isLive, c.pointee.mayRead, u.pointee.output.isEmpty {
            rounds += 1
            if rounds > 16 { return resumeLater(c) }
            let room = UnsafeMutableRawBufferPointer(start: scratch, count: Self.readSize)
            switch c.pointee.socket.read(into: room) {
            case .bytes(let count):
                c.pointee.noteRead(count, of: Self.readSize)
                setTimer(client: c, tunnelTicks(c))
                guard sendTunnelUp(u, x, c, scratch, count) else { return }
            case .wouldBlock: c.pointee.mayRead = false
            case .failed: return abandon(c)
            case .closed:
                c.pointee.mayRead = false
                c.pointee.peerClosed = true
                // TLS has no half-closed connections to speak of.
                if c.pointee.socket.tls != nil || u.pointee.socket.tls != nil || u.pointee.peerClosed {
                    return abandon(c)
                }
                Socket.shutdownWrite(u.pointee.socket.descriptor)
            }
        }
    }

    private mutating func sendTunnelUp(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, _ bytes: UnsafePointer<UInt8>, _ count: Int
    ) -> Bool {
        x.pointee.upload += Int64(count)
        var sent = 0
        while sent < count {
            switch u.pointee.socket.write(UnsafeRawBufferPointer(start: bytes + sent, count: count - sent)) {
            case .bytes(let written):
                sent += written
                continue
            case .wouldBlock: break
            case .closed, .failed:
                abandon(c)
                return false
            }
            break
        }
        if sent < count {
            buffers.reserve(count - sent, in: &u.pointee.output)
            u.pointee.output.append(bytes + sent, count - sent)
        }
        return true
    }

    mutating func flushTunnelUp(_ u: Upstream) {
        guard !u.pointee.output.isEmpty else { return }
        let c = clients[exchanges[u.pointee.exchange].pointee.client]
        while !u.pointee.output.isEmpty {
            let rest = UnsafeRawBufferPointer(start: u.pointee.output.bytes, count: u.pointee.output.count)
            switch u.pointee.socket.write(rest) {
            case .bytes(let written): u.pointee.output.start += written
            case .wouldBlock: return
            case .closed, .failed: return abandon(c)
            }
        }
        buffers.release(&u.pointee.output)
        pumpTunnelUp(c)
    }

    /// Upstream to client.
    mutating func pumpTunnelDown(_ u: Upstream) {
        var rounds = 0
        while u.isLive, u.pointee.phase == .tunnel, u.pointee.mayRead {
            let x = exchanges[u.pointee.exchange]
            let c = clients[x.pointee.client]
            guard c.pointee.output.isEmpty else { return }
            rounds += 1
            if rounds > 16 { return resumeLater(u) }
            let room = UnsafeMutableRawBufferPointer(start: scratch, count: Self.readSize)
            switch u.pointee.socket.read(into: room) {
            case .bytes(let count):
                u.pointee.noteRead(count, of: Self.readSize)
                guard send(x, c, scratch, count) else { return }
                if c.pointee.output.isEmpty { setTimer(client: c, tunnelTicks(c)) }
            case .wouldBlock: u.pointee.mayRead = false
            case .failed: return abandon(c)
            case .closed:
                u.pointee.mayRead = false
                u.pointee.peerClosed = true
                if !c.pointee.carrier.isNone { return endTunnel(x, c) }
                if c.pointee.peerClosed || c.pointee.socket.tls != nil { return abandon(c) }
                Socket.shutdownWrite(c.pointee.socket.descriptor)
            }
        }
    }

    /// How long a tunnel may be silent: never shorter than the configuration says, and longer where its upstream is given
    /// longer for its responses.
    func tunnelTicks(_ c: Client) -> Int64 {
        guard let x = exchanges.resolve(c.pointee.exchange), !x.pointee.target.isNone else { return limits.tunnelIdle }
        return max(limits.tunnelIdle, directory[x.pointee.target].pointee.patience.response)
    }
}
