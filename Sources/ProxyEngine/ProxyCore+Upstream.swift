internal import Glibc
internal import NetworkTypes
internal import Transport

// The upstream's side: connections, their pool, sending requests, and what happens when one breaks.
extension ProxyCore {
    enum Loss {
        /// It could not be connected.
        case connect
        case connectTimeout
        /// It closed or broke.
        case broken
        case responseTimeout
        /// It sent what is no response.
        case malformed
    }

    // MARK: Getting a connection

    /// Puts the client's request on a pooled or a new connection to `endpoint`.
    mutating func connect(_ c: Client, _ endpoint: Int32, mayReuse: Bool) {
        let e = endpoints[endpoint]
        if mayReuse {
            while e.pointee.firstIdle >= 0 {
                let u = upstreams[e.pointee.firstIdle]
                removeIdle(u)
                // A request that must not be sent twice first makes sure that the connection lives.
                if !c.pointee.flags.contains(.idempotent), !isAlive(u) {
                    close(u)
                    continue
                }
                u.pointee.phase = .active
                u.pointee.isReused = true
                attach(u, c)
                sendRequest(u, c)
                return
            }
        }
        guard let worker = worker?.takeUnretainedValue() else { return }
        let descriptor: Int32
        do {
            descriptor = try Socket.connect(e.pointee.address)
        } catch {
            states[c.pointee.upstreamState].pointee.connectFailures += 1
            return retryOrFail(c, .connect)
        }
        let index = upstreams.take()
        let u = upstreams[index]
        u.pointee = UpstreamConnection(index: index)
        u.pointee.phase = .connecting
        u.pointee.socket = StreamSocket(descriptor: descriptor)
        u.pointee.endpoint = endpoint
        do {
            u.pointee.registration = try loop.register(
                descriptor, handler: worker, token: Self.token(.upstream, index))
        } catch {
            Socket.close(descriptor)
            u.pointee.phase = .free
            upstreams.release(index)
            return retryOrFail(c, .connect)
        }
        upstreamsCreated += 1
        e.pointee.openCount += 1
        attach(u, c)
        setTimer(upstream: u, limits.connect)
    }

    private func attach(_ u: Upstream, _ c: Client) {
        u.pointee.client = c.pointee.index
        u.pointee.hasAnswered = false
        u.pointee.hasHead = false
        u.pointee.isReusable = false
        u.pointee.body = .empty
        c.pointee.upstream = u.pointee.index
        c.pointee.endpoint = u.pointee.endpoint
        c.pointee.requestSent = 0
    }

    private func isAlive(_ u: Upstream) -> Bool {
        var byte: UInt8 = 0
        let count = recv(u.pointee.socket.descriptor, &byte, 1, Int32(MSG_PEEK))
        return count < 0 && errno == EAGAIN
    }

    // MARK: The pool

    private mutating func addIdle(_ u: Upstream) {
        let e = endpoints[u.pointee.endpoint]
        guard e.pointee.isConfigured, !isDraining, u.pointee.requestsServed < limits.maxRequestsPerUpstream,
            limits.maxIdlePerEndpoint > 0
        else { return close(u) }
        if e.pointee.idleCount >= limits.maxIdlePerEndpoint {
            let oldest = upstreams[e.pointee.lastIdle]
            removeIdle(oldest)
            close(oldest)
        }
        u.pointee.phase = .idle
        u.pointee.client = -1
        u.pointee.previousIdle = -1
        u.pointee.nextIdle = e.pointee.firstIdle
        if e.pointee.firstIdle >= 0 {
            upstreams[e.pointee.firstIdle].pointee.previousIdle = u.pointee.index
        } else {
            e.pointee.lastIdle = u.pointee.index
        }
        e.pointee.firstIdle = u.pointee.index
        e.pointee.idleCount += 1
        idleUpstreams += 1
        setTimer(upstream: u, limits.upstreamIdle)
    }

    private mutating func removeIdle(_ u: Upstream) {
        let e = endpoints[u.pointee.endpoint]
        if u.pointee.previousIdle >= 0 {
            upstreams[u.pointee.previousIdle].pointee.nextIdle = u.pointee.nextIdle
        } else {
            e.pointee.firstIdle = u.pointee.nextIdle
        }
        if u.pointee.nextIdle >= 0 {
            upstreams[u.pointee.nextIdle].pointee.previousIdle = u.pointee.previousIdle
        } else {
            e.pointee.lastIdle = u.pointee.previousIdle
        }
        u.pointee.nextIdle = -1
        u.pointee.previousIdle = -1
        e.pointee.idleCount -= 1
        idleUpstreams -= 1
    }

    /// Closes every idle connection of an endpoint.
    mutating func closeIdle(_ endpoint: Int32) {
        while endpoints[endpoint].pointee.firstIdle >= 0 {
            let u = upstreams[endpoints[endpoint].pointee.firstIdle]
            removeIdle(u)
            close(u)
        }
    }

    /// Takes a connection from its finished request: back to the pool if it can serve another.
    mutating func release(_ u: Upstream) {
        u.pointee.client = -1
        u.pointee.requestsServed += 1
        if u.pointee.isReusable, u.pointee.output.isEmpty, !u.pointee.peerClosed {
            addIdle(u)
        } else {
            close(u)
        }
    }

    /// Closes the socket and frees the slot. An idle connection must have been taken out of its list.
    mutating func close(_ u: Upstream) {
        wheel.clear(u.pointee.index << 1 | 1)
        buffers.release(&u.pointee.input)
        buffers.release(&u.pointee.output)
        if let registration = u.pointee.registration { loop.close(registration) }
        u.pointee.registration = nil
        u.pointee.phase = .free
        u.pointee.client = -1
        let e = endpoints[u.pointee.endpoint]
        e.pointee.openCount -= 1
        upstreams.release(u.pointee.index)
        if !e.pointee.isConfigured, e.pointee.openCount == 0 { freeEndpoint(e.pointee.index) }
    }

    /// Gives up the connection of a client's request.
    mutating func detachUpstream(_ c: Client) {
        guard c.pointee.upstream >= 0 else { return }
        let u = upstreams[c.pointee.upstream]
        c.pointee.upstream = -1
        u.pointee.client = -1
        close(u)
    }

    // MARK: Events

    mutating func upstreamReady(_ u: Upstream, _ events: ReadyEvents) {
        if u.pointee.phase == .free { return }
        if events.contains(.readable) { u.pointee.mayRead = true }
        if events.contains(.peerClosed) { u.pointee.peerClosed = true }
        switch u.pointee.phase {
        case .connecting:
            guard events.contains(.writable) else { return }
            let c = clients[u.pointee.client]
            if Socket.pendingError(u.pointee.socket.descriptor) == 0 {
                u.pointee.phase = .active
                sendRequest(u, c)
            } else {
                lost(u, c, .connect)
            }
            continueClient(c)
        case .active:
            let c = clients[u.pointee.client]
            if events.contains(.writable) { flushUpstream(u, c) }
            if u.pointee.phase == .active, u.pointee.mayRead { readResponse(u) }
            continueClient(c)
        case .idle:
            // Nothing may come on a connection without a request: it was closed, or it is out of step.
            guard events.contains(.readable) else { return }
            removeIdle(u)
            close(u)
        case .tunnel:
            if events.contains(.writable) { flushTunnelUp(u) }
            if u.pointee.phase == .tunnel, u.pointee.mayRead { pumpTunnelDown(u) }
        case .free: break
        }
    }

    // MARK: Writing

    /// Sends the request, or what is left of it.
    mutating func sendRequest(_ u: Upstream, _ c: Client) {
        let total = c.pointee.request.end
        while c.pointee.requestSent < total, let base = c.pointee.request.base {
            let rest = UnsafeRawBufferPointer(start: base + c.pointee.requestSent, count: total - c.pointee.requestSent)
            switch u.pointee.socket.write(rest) {
            case .bytes(let written): c.pointee.requestSent += written
            case .wouldBlock: return setTimer(upstream: u, limits.write)
            case .closed, .failed: return writeBroke(u, c)
            }
        }
        setTimer(upstream: u, limits.response)
        if !c.pointee.body.isComplete { pumpUpload(c) }
    }

    /// Sends body bytes, keeping what the upstream does not take. False when the connection (or more) is gone.
    mutating func send(_ u: Upstream, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var sent = 0
        while sent < count, u.pointee.output.isEmpty {
            switch u.pointee.socket.write(UnsafeRawBufferPointer(start: bytes + sent, count: count - sent)) {
            case .bytes(let written):
                sent += written
                continue
            case .wouldBlock: break
            case .closed, .failed:
                writeBroke(u, clients[u.pointee.client])
                return false
            }
            break
        }
        if sent < count {
            buffers.reserve(count - sent, in: &u.pointee.output)
            u.pointee.output.append(bytes + sent, count - sent)
            setTimer(upstream: u, limits.write)
        }
        return true
    }

    private mutating func flushUpstream(_ u: Upstream, _ c: Client) {
        if c.pointee.requestSent < c.pointee.request.end { return sendRequest(u, c) }
        guard !u.pointee.output.isEmpty else { return }
        while !u.pointee.output.isEmpty {
            let rest = UnsafeRawBufferPointer(start: u.pointee.output.bytes, count: u.pointee.output.count)
            switch u.pointee.socket.write(rest) {
            case .bytes(let written): u.pointee.output.start += written
            case .wouldBlock: return setTimer(upstream: u, limits.write)
            case .closed, .failed: return writeBroke(u, c)
            }
        }
        buffers.release(&u.pointee.output)
        setTimer(upstream: u, limits.response)
        if !c.pointee.body.isComplete { pumpUpload(c) }
    }

    /// The upstream takes no more. It may have answered before it closed (a 413, say): that answer still counts.
    private mutating func writeBroke(_ u: Upstream, _ c: Client) {
        buffers.release(&u.pointee.output)
        u.pointee.mayRead = true
        u.pointee.peerClosed = true
        readResponse(u)
        // Reading to the end has found either an answer or the end.
        if u.pointee.phase == .active, !u.pointee.hasHead, u.pointee.client == c.pointee.index { lost(u, c, .broken) }
    }

    // MARK: Losing one

    /// The connection is of no use any more for the request on it.
    mutating func lost(_ u: Upstream, _ c: Client, _ loss: Loss) {
        let endpoint = u.pointee.endpoint
        let isStale = u.pointee.isReused && !u.pointee.hasAnswered
        let hasHead = u.pointee.hasHead
        if c.pointee.upstreamState >= 0 {
            let state = states[c.pointee.upstreamState]
            switch loss {
            case .connect: state.pointee.connectFailures += 1
            case .connectTimeout, .responseTimeout: state.pointee.timeouts += 1
            case .broken, .malformed: break
            }
        }
        let hadAnswered = u.pointee.hasAnswered
        detachUpstream(c)
        if c.pointee.phase == .responding || hasHead { return abandon(c) }
        if hadAnswered || loss == .malformed { return fail(c, loss) }
        let maySendAgain = !c.pointee.flags.contains(.streamedBody) && c.pointee.request.base != nil
        if loss == .broken, isStale, maySendAgain,
            c.pointee.flags.contains(.idempotent) || c.pointee.requestSent == 0, !endpoints[endpoint].pointee.isFree
        {
            // The pool's fault, not the endpoint's: once more on a fresh connection to the same one.
            states[c.pointee.upstreamState].pointee.retries += 1
            return connect(c, endpoint, mayReuse: false)
        }
        retryOrFail(c, loss)
    }

    /// Tries another endpoint if that is safe and there is one.
    private mutating func retryOrFail(_ c: Client, _ loss: Loss) {
        let wasSent = loss == .broken && c.pointee.requestSent > 0
        let mayRetry = loss == .connect || loss == .connectTimeout || loss == .broken
        let state = states[c.pointee.upstreamState]
        if mayRetry, !wasSent || c.pointee.flags.contains(.idempotent), !c.pointee.flags.contains(.streamedBody),
            c.pointee.request.base != nil, c.pointee.attempts < limits.maxAttempts,
            c.pointee.attempts < state.pointee.endpointCount
        {
            state.pointee.retries += 1
            return attempt(c)
        }
        fail(c, loss)
    }

    private mutating func fail(_ c: Client, _ loss: Loss) {
        switch loss {
        case .connect, .broken, .malformed: answer(c, 502)
        case .connectTimeout, .responseTimeout: answer(c, 504)
        }
    }

    mutating func upstreamExpired(_ u: Upstream) {
        switch u.pointee.phase {
        case .free, .tunnel: break
        case .idle:
            removeIdle(u)
            close(u)
        case .connecting:
            let c = clients[u.pointee.client]
            lost(u, c, .connectTimeout)
            continueClient(c)
        case .active:
            let c = clients[u.pointee.client]
            if !c.pointee.output.isEmpty {
                // We are not reading because the client is slow; the client's timer decides.
                return setTimer(upstream: u, limits.response)
            }
            if !c.pointee.body.isComplete, !u.pointee.hasHead, c.pointee.requestSent == c.pointee.request.end,
                u.pointee.output.isEmpty
            {
                // It is waiting for the client's body, as it should.
                return setTimer(upstream: u, limits.response)
            }
            lost(u, c, .responseTimeout)
            continueClient(c)
        }
    }
}
