internal import Glibc
internal import NetworkTypes
internal import Transport

// TLS connections that go to an upstream as they are, by the name in their ClientHello.
extension ProxyCore {
    enum Passing {
        /// It is not passed through.
        case none
        /// More of its ClientHello must come.
        case pending
        /// It is on its way, or closed.
        case begun
    }

    /// Looks where a TLS connection wants to go, and leaves its bytes where they are: whoever speaks TLS reads them.
    mutating func passThrough(_ c: Client, _ table: PassthroughTable) -> Passing {
        var count = 0
        repeat {
            count = recv(c.pointee.socket.descriptor, scratch, ClientHello.maxBytes, Int32(MSG_PEEK))
        } while count < 0 && errno == EINTR
        guard count > 0 else { return .none }
        switch ClientHello.parse(UnsafeBufferPointer(start: scratch, count: count)) {
        case .invalid: return .none
        case .incomplete:
            // More of it raises another event; at the end of the stream there is none.
            c.pointee.mayRead = false
            guard c.pointee.peerClosed else { return .pending }
            close(c)
            return .begun
        case .complete(let hello):
            guard let name = hello.serverName, let entry = table.find(name) else { return .none }
            begin(c, entry)
            return .begun
        }
    }

    private mutating func begin(_ c: Client, _ entry: Passthrough) {
        c.pointee.awaitsTLS = false
        c.pointee.requestsServed = 1
        proved(c)
        let x = beginExchange(c)
        // What the client has sent is still in its socket: another endpoint can get it, too.
        x.pointee.flags = [.passesThrough, .idempotent]
        if let sources = entry.sources, !sources.admits(c.pointee.address.ip) { return answer(x, 403) }
        dispatch(x, c, directory.state(at: Int32(entry.upstream)))
    }

    /// The endpoint has taken the connection: from now on bytes go both ways.
    mutating func passBytes(_ u: Upstream, _ x: ExchangeReference) {
        let c = clients[x.pointee.client]
        directory.succeeded(
            x.pointee.endpoint, of: directory[x.pointee.target], since: x.pointee.attemptedAt,
            now: loop.now.nanoseconds)
        u.pointee.hasHead = true
        u.pointee.phase = .tunnel
        u.pointee.isReusable = false
        c.pointee.phase = .tunnel
        x.pointee.phase = .switched
        x.pointee.status = 200
        accounts.tunnels += 1
        clearTimer(upstream: u)
        setTimer(client: c, tunnelTicks(c))
        c.pointee.mayRead = true
        pumpTunnelUp(c)
        if u.isLive { pumpTunnelDown(u) }
    }
}
