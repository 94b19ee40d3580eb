internal import Glibc
internal import NetworkTypes
internal import Transport

// The upstream's side: connections, their pool, sending requests, and what happens when one breaks.
extension ProxyCore {
    // MARK: Getting a connection

    /// Puts the request on a pooled or a new connection to `endpoint`.
    mutating func connect(_ x: ExchangeReference, _ endpoint: Handle<Party.Endpoints>, mayReuse: Bool) {
        if x.pointee.flags.contains(.multiplexed) {
            return connectStream(x, endpoint, mayReuse: mayReuse)
        }
        let e = directory.endpoints[endpoint]
        if mayReuse, !x.pointee.flags.contains(.passesThrough) {
            while !e.pointee.firstIdle.isNone {
                let u = pool.connections[e.pointee.firstIdle]
                pool.removeIdle(u, from: e)
                // A request that must not be sent twice first makes sure that the connection lives.
                if !x.pointee.flags.contains(.idempotent), !isAlive(u) {
                    close(u)
                    continue
                }
                u.pointee.phase = .active
                u.pointee.isReused = true
                attach(u, x)
                sendRequest(u, x)
                return
            }
        }
        guard let u = dial(e, connectTicks(x)) else {
            directory[x.pointee.target].pointee.connectFailures += 1
            return retryOrFail(x, .connect)
        }
        attach(u, x)
    }

    /// Begins a connection to an endpoint, which ``establish(_:_:)`` goes on with: TLS is what the endpoint wants now, whatever
    /// the configuration becomes meanwhile.
    ///
    /// - Parameter ticks: until it must be there.
    /// - Returns: nil when there is no place for one or nothing can be sent there.
    mutating func dial(_ e: UpstreamPool.EndpointReference, _ ticks: Int64) -> Upstream? {
        guard let worker = worker?.takeUnretainedValue() else { return nil }
        if pool.connections.count - pool.streamCount >= limits.maxUpstreamConnections, !closeAnIdle() { return nil }
        var descriptor: Int32 = -1
        var tls: TLSSession?
        do throws(TransportError) {
            descriptor = try Socket.connect(e.pointee.address)
            // Clients have it from their listener.
            ConnectionLiveness.server.apply(to: descriptor)
            if e.pointee.tls != 0 { tls = try upstreamTLS.session(e.pointee.tls, descriptor: descriptor) }
            let u = pool.open(to: e)
            u.pointee.socket = StreamSocket(descriptor: descriptor, tls: tls)
            do throws(TransportError) {
                u.pointee.registration = try loop.register(
                    descriptor, handler: worker, token: Self.token(.upstream, u.handle))
            } catch {
                pool.close(u, of: e)
                throw error
            }
            setTimer(upstream: u, ticks)
            return u
        } catch {
            tls?.free()
            if descriptor >= 0 { Socket.close(descriptor) }
            return nil
        }
    }

    /// How long the upstream of an exchange is given to take a connection.
    func connectTicks(_ x: ExchangeReference) -> Int64 {
        let ticks = directory[x.pointee.target].pointee.patience.connect
        return ticks == 0 ? limits.connect : ticks
    }

    func attach(_ u: Upstream, _ x: ExchangeReference) {
        let patience = directory[x.pointee.target].pointee.patience
        u.pointee.responseTicks = patience.response == 0 ? limits.response : patience.response
        u.pointee.writeTicks = patience.write == 0 ? limits.write : patience.write
        u.pointee.attach(to: x.handle)
        x.pointee.upstream = u.handle
        x.pointee.endpoint = u.pointee.endpoint
        x.pointee.requestSent = 0
    }

    private func isAlive(_ u: Upstream) -> Bool {
        if let tls = u.pointee.socket.tls {
            // There may be records that say nothing, tickets for example: they are read, and nothing but them.
            let room = UnsafeMutableRawBufferPointer(start: scratch, count: Self.readSize)
            if case .wouldBlock = tls.read(into: room) { return true }
            return false
        }
        var byte: UInt8 = 0
        let count = recv(u.pointee.socket.descriptor, &byte, 1, Int32(MSG_PEEK))
        return count < 0 && errno == EAGAIN
    }

    enum Establishment { case pending, ready, failed }

    /// Goes on with a connection that is being made, and with its TLS handshake where its endpoint wants that.
    mutating func establish(_ u: Upstream, _ events: ReadyEvents) -> Establishment {
        if !u.pointee.isConnected {
            guard events.contains(.writable) else { return .pending }
            guard Socket.pendingError(u.pointee.socket.descriptor) == 0 else { return .failed }
            u.pointee.isConnected = true
        }
        guard let tls = u.pointee.socket.tls else { return .ready }
        switch tls.handshake() {
        case .complete: return .ready
        case .wouldBlock: return .pending
        case .failed: return .failed
        }
    }

    // MARK: The pool

    private mutating func addIdle(_ u: Upstream) {
        let e = directory.endpoints[u.pointee.endpoint]
        guard e.pointee.isWanted, !isDraining, u.pointee.requestsServed < limits.maxRequestsPerUpstream,
            limits.maxIdlePerEndpoint > 0
        else { return close(u) }
        if e.pointee.idleCount >= limits.maxIdlePerEndpoint {
            let oldest = pool.connections[e.pointee.lastIdle]
            pool.removeIdle(oldest, from: e)
            close(oldest)
        }
        pool.addIdle(u, to: e)
        setTimer(upstream: u, limits.upstreamIdle)
    }

    private mutating func closeIdle(_ u: Upstream) {
        pool.removeIdle(u, from: directory.endpoints[u.pointee.endpoint])
        close(u)
    }

    /// Closes every idle connection of an endpoint.
    mutating func closeIdle(of endpoint: Handle<Party.Endpoints>) {
        let e = directory.endpoints[endpoint]
        if let m = pool.connections.resolve(e.pointee.multiplexed),
            m.pointee.session?.takeUnretainedValue().streams.isEmpty ?? false
        {
            closeCarrier(m)
        }
        while e.isLive, !e.pointee.firstIdle.isNone { closeIdle(pool.connections[e.pointee.firstIdle]) }
    }

    /// Makes room for a connection by ending an idle one, of the endpoints in turn.
    ///
    /// - Returns: false when every connection has a request.
    mutating func closeAnIdle() -> Bool {
        guard pool.idleCount > 0 else { return false }
        let bound = directory.endpoints.indexBound
        for _ in 0..<bound {
            pool.nextReclaimed = pool.nextReclaimed + 1 < bound ? pool.nextReclaimed + 1 : 0
            guard let e = directory.endpoints.tenant(at: pool.nextReclaimed) else { continue }
            if !e.pointee.lastIdle.isNone {
                closeIdle(pool.connections[e.pointee.lastIdle])
                return true
            }
            if let m = pool.connections.resolve(e.pointee.multiplexed), m.pointee.isIdleCarrier {
                closeCarrier(m)
                return true
            }
        }
        return false
    }

    /// Takes a connection from its finished request: back to the pool if it can serve another.
    mutating func release(_ u: Upstream) {
        u.pointee.exchange = .none
        buffers.release(&u.pointee.trailers)
        if !u.pointee.carrier.isNone { return close(u) }
        u.pointee.requestsServed += 1
        if u.pointee.isReusable, u.pointee.output.isEmpty, !u.pointee.peerClosed {
            addIdle(u)
        } else {
            close(u)
        }
    }

    /// Closes the socket and frees the slot. An idle connection must have been taken out of its list.
    mutating func close(_ u: Upstream) {
        clearTimer(upstream: u)
        buffers.release(&u.pointee.input)
        buffers.release(&u.pointee.output)
        buffers.release(&u.pointee.trailers)
        if !u.pointee.carrier.isNone { return closeStream(u) }
        if let session = u.pointee.session {
            pool.setIdle(u, false)
            directory.endpoints[u.pointee.endpoint].pointee.carrierCount -= 1
            buffers.release(&session.takeUnretainedValue().outgoing)
            u.pointee.session = nil
            session.release()
        }
        if let tls = u.pointee.socket.tls {
            tls.shutdown()
            tls.free()
        }
        if let registration = u.pointee.registration { loop.close(registration) }
        let endpoint = u.pointee.endpoint
        pool.close(u, of: directory.endpoints[endpoint])
        directory.reclaim(endpoint)
    }

    /// Gives up the connection that an exchange is on.
    mutating func detachUpstream(_ x: ExchangeReference) {
        guard !x.pointee.upstream.isNone else { return }
        let u = pool.connections[x.pointee.upstream]
        x.pointee.upstream = .none
        u.pointee.exchange = .none
        close(u)
    }

    // MARK: Events

    mutating func upstreamReady(_ u: Upstream, _ events: ReadyEvents) {
        if events.contains(.readable) { u.pointee.mayRead = true }
        if events.contains(.peerClosed) { u.pointee.peerClosed = true }
        if u.pointee.session != nil { return carrierReady(u, events) }
        switch u.pointee.phase {
        case .connecting:
            let x = exchanges[u.pointee.exchange]
            let client = x.pointee.client
            switch establish(u, events) {
            case .pending: return
            case .ready:
                if x.pointee.flags.contains(.passesThrough) {
                    passBytes(u, x)
                } else {
                    u.pointee.phase = .active
                    sendRequest(u, x)
                }
            case .failed: lost(u, x, .connect)
            }
            continueClient(client)
        case .active:
            let x = exchanges[u.pointee.exchange]
            let client = x.pointee.client
            if events.contains(.writable) { flushUpstream(u, x) }
            if u.isLive, u.pointee.phase == .active, u.pointee.mayRead { readResponse(u) }
            continueClient(client)
        case .idle:
            // Nothing may come on a connection without a request: it was closed, or it is out of step.
            guard events.contains(.readable) else { return }
            if u.pointee.socket.tls != nil, isAlive(u) { return }
            closeIdle(u)
        case .tunnel:
            if events.contains(.writable) { flushTunnelUp(u) }
            if u.isLive, u.pointee.phase == .tunnel, u.pointee.mayRead { pumpTunnelDown(u) }
        case .multiplexed: break
        }
    }

    // MARK: Writing

    /// Sends the request, or what is left of it.
    mutating func sendRequest(_ u: Upstream, _ x: ExchangeReference) {
        let total = x.pointee.request.end
        while x.pointee.requestSent < total, let base = x.pointee.request.base {
            let rest = UnsafeRawBufferPointer(start: base + x.pointee.requestSent, count: total - x.pointee.requestSent)
            switch u.pointee.socket.write(rest) {
            case .bytes(let written): x.pointee.requestSent += written
            case .wouldBlock: return setTimer(upstream: u, u.pointee.writeTicks)
            case .closed, .failed: return writeBroke(u, x)
            }
        }
        setTimer(upstream: u, u.pointee.responseTicks)
        if !x.pointee.body.isComplete { pumpUpload(x) }
    }

    /// Sends body bytes, keeping what the upstream does not take. False when the connection (or more) is gone.
    mutating func send(_ u: Upstream, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        if !u.pointee.carrier.isNone {
            sendContentOnStream(u, bytes, count)
            return true
        }
        var sent = 0
        while sent < count, u.pointee.output.isEmpty {
            switch u.pointee.socket.write(UnsafeRawBufferPointer(start: bytes + sent, count: count - sent)) {
            case .bytes(let written):
                sent += written
                continue
            case .wouldBlock: break
            case .closed, .failed:
                writeBroke(u, exchanges[u.pointee.exchange])
                return false
            }
            break
        }
        if sent < count {
            buffers.reserve(count - sent, in: &u.pointee.output)
            u.pointee.output.append(bytes + sent, count - sent)
            setTimer(upstream: u, u.pointee.writeTicks)
        }
        return true
    }

    private mutating func flushUpstream(_ u: Upstream, _ x: ExchangeReference) {
        if x.pointee.requestSent < x.pointee.request.end { return sendRequest(u, x) }
        guard !u.pointee.output.isEmpty else { return }
        while !u.pointee.output.isEmpty {
            let rest = UnsafeRawBufferPointer(start: u.pointee.output.bytes, count: u.pointee.output.count)
            switch u.pointee.socket.write(rest) {
            case .bytes(let written): u.pointee.output.start += written
            case .wouldBlock: return setTimer(upstream: u, u.pointee.writeTicks)
            case .closed, .failed: return writeBroke(u, x)
            }
        }
        buffers.release(&u.pointee.output)
        setTimer(upstream: u, u.pointee.responseTicks)
        if !x.pointee.body.isComplete { pumpUpload(x) }
    }

    /// The upstream takes no more. It may have answered before it closed (a 413, say): that answer still counts.
    private mutating func writeBroke(_ u: Upstream, _ x: ExchangeReference) {
        buffers.release(&u.pointee.output)
        u.pointee.mayRead = true
        u.pointee.peerClosed = true
        readResponse(u)
        // Reading to the end has found either an answer or the end.
        if u.isLive, u.pointee.phase == .active, !u.pointee.hasHead, u.pointee.exchange == x.handle {
            lost(u, x, .broken)
        }
    }

    // MARK: Losing one

    /// The connection is of no use any more for the request on it.
    mutating func lost(_ u: Upstream, _ x: ExchangeReference, _ loss: UpstreamLoss) {
        let endpoint = u.pointee.endpoint
        let isStale = u.pointee.isReused && !u.pointee.hasAnswered
        let hasHead = u.pointee.hasHead
        if !x.pointee.target.isNone {
            let state = directory[x.pointee.target]
            switch loss {
            case .connect: state.pointee.connectFailures += 1
            case .connectTimeout, .responseTimeout: state.pointee.timeouts += 1
            case .broken, .malformed, .uncarriable, .refused, .noEndpoint, .overloaded: break
            }
            if loss.isFailure, !isStale, !hasHead {
                directory.failed(
                    endpoint, of: state, isConnection: loss == .connect || loss == .connectTimeout,
                    since: x.pointee.attemptedAt, now: loop.now.nanoseconds)
            }
        }
        let hadAnswered = u.pointee.hasAnswered
        detachUpstream(x)
        if x.pointee.phase == .responding || hasHead && loss != .uncarriable {
            note(loss, x)
            return abandon(x)
        }
        if hadAnswered, loss != .malformed { return fail(x, loss) }
        let maySendAgain = !x.pointee.flags.contains(.streamedBody) && x.pointee.request.base != nil
        if loss == .broken, isStale, maySendAgain,
            x.pointee.flags.contains(.idempotent) || x.pointee.requestSent == 0,
            directory.endpoints.resolve(endpoint) != nil
        {
            // The pool's fault, not the endpoint's: once more on a fresh connection to the same one.
            directory[x.pointee.target].pointee.retries += 1
            return connect(x, endpoint, mayReuse: false)
        }
        retryOrFail(x, loss)
    }

    /// Tries another endpoint if that is safe and there is one.
    mutating func retryOrFail(_ x: ExchangeReference, _ loss: UpstreamLoss) {
        guard mayRetry(x, .loss(loss)) else { return fail(x, loss) }
        // What was decided by a head whose body could not be read.
        x.pointee.flags.subtract([.chunksResponse, .unchunksResponse, .endsWithConnection])
        attempt(x)
    }

    /// Whether a request is sent again, by its upstream's policy; it counts as such then.
    func mayRetry(_ x: ExchangeReference, _ failure: RetryPolicy.Failure) -> Bool {
        let state = directory[x.pointee.target]
        let now = loop.now.nanoseconds
        let request = RetryPolicy.Circumstances(
            attempts: x.pointee.attempts, mostAttempts: limits.maxAttempts, endpoints: state.pointee.endpointCount,
            isIdempotent: x.pointee.flags.contains(.idempotent), wasSent: x.pointee.requestSent > 0,
            isKept: x.pointee.flags.contains(.passesThrough)
                || !x.pointee.flags.contains(.streamedBody) && x.pointee.request.base != nil,
            age: now > x.pointee.startedAt ? now - x.pointee.startedAt : 0)
        var tried = x.pointee.tried
        tried.insert(x.pointee.endpoint)
        // Whoever has not looked at it may have it again.
        if !failure.isRefusal, !directory.hasRoom(state, besides: tried, now: now) { return false }
        return state.pointee.retries(failure, request, now: now)
    }

    /// Sends a request to another endpoint because of the status in `responseHead`, if its upstream's policy wants that and
    /// it may be sent again.
    ///
    /// - Parameter bytes: the head, and `count` bytes of what is there of the response.
    /// - Returns: false when the response is to be passed on.
    mutating func retryStatus(
        _ u: Upstream, _ x: ExchangeReference, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) -> Bool {
        let status = Int32(responseHead.pointee.status)
        guard !x.pointee.flags.contains(.upgrade), mayRetry(x, .status(status)) else { return false }
        directory.failed(
            u.pointee.endpoint, of: directory[x.pointee.target], isConnection: false, since: x.pointee.attemptedAt,
            now: loop.now.nanoseconds)
        if u.pointee.carrier.isNone, responseHead.pointee.keepsAlive, x.pointee.body.isComplete,
            x.pointee.isRequestSent
        {
            // A response that is all there leaves its connection to others.
            let headCount = responseHead.pointee.byteCount
            u.pointee.body = MessageBody.response(responseHead.pointee.framing)
            let step = u.pointee.body.advance(bytes + headCount, count - headCount)
            u.pointee.isReusable =
                u.pointee.body.isComplete && !step.isMalformed && step.consumed == count - headCount
            x.pointee.upstream = .none
            release(u)
        } else {
            detachUpstream(x)
        }
        attempt(x)
        return true
    }

    /// Answers for an upstream that gave no answer, and says why.
    mutating func fail(_ x: ExchangeReference, _ loss: UpstreamLoss) {
        note(loss, x)
        switch loss {
        case .connect, .broken, .malformed, .uncarriable, .refused: answer(x, 502)
        case .noEndpoint: answer(x, 503)
        case .overloaded:
            directory[x.pointee.target].pointee.requestsRefused += 1
            answer(x, 503)
        case .connectTimeout, .responseTimeout: answer(x, 504)
        }
    }

    mutating func upstreamExpired(_ u: Upstream) {
        if u.pointee.session != nil { return carrierExpired(u) }
        switch u.pointee.phase {
        case .tunnel, .multiplexed: break
        case .idle:
            closeIdle(u)
        case .connecting:
            let x = exchanges[u.pointee.exchange]
            let client = x.pointee.client
            lost(u, x, .connectTimeout)
            continueClient(client)
        case .active:
            if let stream = u.pointee.stream, stream.pointee.hasProgressed, !u.pointee.output.isEmpty {
                // Frames were written since: it takes the request, slowly.
                stream.pointee.hasProgressed = false
                return setTimer(upstream: u, u.pointee.writeTicks)
            }
            let x = exchanges[u.pointee.exchange]
            if !clients[x.pointee.client].pointee.output.isEmpty {
                // We are not reading because the client is slow; the client's timer decides.
                return setTimer(upstream: u, u.pointee.responseTicks)
            }
            if !x.pointee.body.isComplete, !u.pointee.hasHead, x.pointee.requestSent == x.pointee.request.end,
                u.pointee.output.isEmpty
            {
                // It is waiting for the client's body, as it should.
                return setTimer(upstream: u, u.pointee.responseTicks)
            }
            if !u.pointee.carrier.isNone { distrustCarrier(of: u) }
            let client = x.pointee.client
            lost(u, x, .responseTimeout)
            continueClient(client)
        }
    }
}
