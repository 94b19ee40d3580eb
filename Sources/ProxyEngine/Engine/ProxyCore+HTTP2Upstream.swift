internal import CNGHTTP2
internal import Glibc
internal import NetworkTypes
internal import Transport

// Upstreams that speak HTTP/2. One connection to an endpoint carries many requests; each of its streams has a slot as an
// upstream connection of its own, for one request, and what is known about connections (timers, losses, retries) holds
// for it. See decision 37.
extension ProxyCore {
    // MARK: Getting a stream

    /// Puts the request on a stream to `endpoint`, whose connection is shared.
    ///
    /// - Parameter mayReuse: whether a connection that was there before will do.
    mutating func connectStream(_ x: ExchangeReference, _ endpoint: Handle<Party.Endpoints>, mayReuse: Bool) {
        let e = directory.endpoints[endpoint]
        // One that is being made is as fresh as another, and all that were lost together share it.
        if !mayReuse, pool.connections.resolve(e.pointee.multiplexed)?.pointee.phase != .connecting {
            e.pointee.multiplexed = .none
        }
        var carrier: Upstream?
        if let m = pool.connections.resolve(e.pointee.multiplexed), hasRoom(m) { carrier = m }
        if carrier == nil { carrier = openCarrier(to: e, connectTicks(x)) }
        guard let m = carrier, m.pointee.session != nil else {
            directory[x.pointee.target].pointee.connectFailures += 1
            return retryOrFail(x, .connect)
        }
        pool.setIdle(m, false)
        let u = pool.openStream(on: m, to: e)
        u.pointee.isReused = m.pointee.phase == .multiplexed && m.pointee.requestsServed > 0
        m.pointee.requestsServed += 1
        attach(u, x)
        sendRequestOnStream(u, x, m)
    }

    private func hasRoom(_ m: Upstream) -> Bool {
        guard let session = m.pointee.session?.takeUnretainedValue() else { return false }
        // What the last connection was allowed is a good guess as long as this one has not been told.
        let allowed =
            session.hasSettings
            ? session.maxRequests : Int(directory.endpoints[m.pointee.endpoint].pointee.concurrency)
        return !session.isRefusingRequests && session.streams.count < allowed
            && m.pointee.requestsServed < limits.maxRequestsPerUpstream
    }

    /// Begins a connection with HTTP/2 to an endpoint, and makes it the one that requests go to.
    private mutating func openCarrier(to e: UpstreamPool.EndpointReference, _ ticks: Int64) -> Upstream? {
        guard let session = HTTP2Session(role: .client, headLimit: limits.maxHeadBytes, now: loop.now.nanoseconds),
            let m = dial(e, ticks)
        else { return nil }
        m.pointee.session = Unmanaged.passRetained(session)
        e.pointee.multiplexed = m.handle
        e.pointee.carrierCount += 1
        return m
    }

    // MARK: Sending a request

    private func session(of u: Upstream) -> HTTP2Session? {
        pool.connections.resolve(u.pointee.carrier)?.pointee.session?.takeUnretainedValue()
    }

    /// Submits the request's head, whose text of HTTP/1.1 is at the front of the exchange's buffer, with the content
    /// behind it.
    private mutating func sendRequestOnStream(_ u: Upstream, _ x: ExchangeReference, _ m: Upstream) {
        guard let session = m.pointee.session?.takeUnretainedValue(), let base = x.pointee.request.base else {
            return lost(u, x, .connect)
        }
        let window = UnsafeRawBufferPointer(start: base, count: x.pointee.request.end)
        guard requestHead.pointee.parse(window, limits: HTTP1HeadLimits(headBytes: 65_535)) == .complete else {
            return lost(u, x, .uncarriable)
        }
        fillRequestBlock(base, isSecure: directory.endpoints[m.pointee.endpoint].pointee.tls != 0)
        let headCount = requestHead.pointee.byteCount
        let contentCount = x.pointee.request.end - headCount
        let hasContent = contentCount > 0 || !x.pointee.body.isComplete || !x.pointee.trailers.isEmpty
        let offset = MemoryLayout<UpstreamConnection>.offset(of: \.output)
        guard let offset,
            let stream = session.request(
                fieldBlock, owner: u.handle.packed,
                output: (u.address + offset).assumingMemoryBound(to: ByteBuffer.self), hasContent: hasContent)
        else {
            session.isRefusingRequests = true
            return lost(u, x, .refused)
        }
        u.pointee.stream = stream
        x.pointee.requestSent = x.pointee.request.end
        if contentCount > 0 {
            buffers.reserve(contentCount, in: &u.pointee.output)
            u.pointee.output.append(base + headCount, contentCount)
        }
        setTimer(upstream: u, u.pointee.responseTicks)
        if m.pointee.phase == .multiplexed { scheduleFlush(m, session) }
        if x.pointee.body.isComplete {
            end(stream, x)
        } else {
            pumpUpload(x)
        }
    }

    /// Fills `fieldBlock` with the request in `requestHead`.
    private mutating func fillRequestBlock(_ bytes: UnsafeMutablePointer<UInt8>, isSecure: Bool) {
        let method = requestHead.pointee.method
        let target = requestHead.pointee.pathAndQuery
        let authority = requestHead.pointee.authority
        fieldBlock.removeAll()
        fieldBlock.add(":method", bytes + Int(method.start), Int(method.count))
        fieldBlock.add(":scheme", isSecure ? "https" : "http")
        fieldBlock.add(":authority", bytes + Int(authority.start), Int(authority.count))
        fieldBlock.add(":path", bytes + Int(target.start), Int(target.count))
        for index in 0..<requestHead.pointee.fields.count {
            let field = requestHead.pointee.fields[index]
            switch field.kind {
            case .host, .connection, .transferEncoding, .upgrade, .keepAlive, .proxyConnection, .te, .expect: continue
            default: break
            }
            fieldBlock.add(
                bytes + Int(field.name.start), Int(field.name.count), bytes + Int(field.value.start),
                Int(field.value.count))
        }
        // Trailers are taken here, and passed on to whoever can take them.
        fieldBlock.add("te", "trailers")
    }

    /// Puts content of a request into its stream's output.
    mutating func sendContentOnStream(_ u: Upstream, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        if count > 0 {
            buffers.reserve(count, in: &u.pointee.output)
            u.pointee.output.append(bytes, count)
            setTimer(upstream: u, u.pointee.writeTicks)
        }
        resume(u)
    }

    /// All of the request's content is in the stream's output.
    mutating func endRequestStream(_ u: Upstream, _ x: ExchangeReference) {
        if let stream = u.pointee.stream { end(stream, x) }
        resume(u)
    }

    /// The stream ends with what is in its output, and with the request's trailers.
    private func end(_ stream: HTTP2StreamPointer, _ x: ExchangeReference) {
        stream.pointee.isOutputComplete = true
        stream.pointee.trailers = x.pointee.trailers.copied
    }

    private mutating func resume(_ u: Upstream) {
        guard let stream = u.pointee.stream, let session = session(of: u) else { return }
        session.resume(stream)
        scheduleFlush(pool.connections[u.pointee.carrier], session)
    }

    // MARK: Reading

    /// Events of a connection with HTTP/2.
    mutating func carrierReady(_ m: Upstream, _ events: ReadyEvents) {
        if m.pointee.phase == .connecting {
            switch establish(m, events) {
            case .pending: return
            case .failed: return loseCarrier(m, .connect)
            case .ready: break
            }
            // Whoever chooses a protocol by ALPN must have chosen this one.
            if let chosen = m.pointee.socket.tls?.applicationProtocol, chosen != "h2" {
                return loseCarrier(m, .connect)
            }
            m.pointee.phase = .multiplexed
            clearTimer(upstream: m)
            flushFrames(m)
        } else if events.contains(.writable) {
            flushFrames(m)
        }
        guard m.isLive else { return }
        readFrames(m)
    }

    mutating func readFrames(_ m: Upstream) {
        var rounds = 0
        while m.isLive, m.pointee.phase == .multiplexed, m.pointee.mayRead,
            let session = m.pointee.session?.takeUnretainedValue()
        {
            rounds += 1
            if rounds > 16 { return resumeLater(m) }
            let room = UnsafeMutableRawBufferPointer(start: frameScratch, count: Self.readSize)
            switch m.pointee.socket.read(into: room) {
            case .bytes(let count):
                m.pointee.noteRead(count, of: Self.readSize)
                takeFrames(m, session, count)
            case .wouldBlock: m.pointee.mayRead = false
            case .closed, .failed: return loseCarrier(m, .broken)
            }
        }
    }

    private mutating func takeFrames(_ m: Upstream, _ session: HTTP2Session, _ count: Int) {
        session.now = loop.now.nanoseconds
        var position = 0
        while position < count || session.isPaused {
            let used = session.receive(frameScratch + position, count - position)
            settle(m, session)
            guard m.isLive else { return }
            guard let used else { return loseCarrier(m, .broken) }
            position += used
        }
        if session.hasSettings {
            directory.endpoints[m.pointee.endpoint].pointee.concurrency = Int32(session.maxRequests)
        }
        if m.isLive { scheduleFlush(m, session) }
    }

    private mutating func settle(_ m: Upstream, _ session: HTTP2Session) {
        while m.isLive, !session.events.isEmpty {
            var waiting: [Handle<Party.Clients>] = []
            session.takeEvents { event, text in
                guard m.isLive, let u = pool.connections.resolve(Handle(packed: event.owner)),
                    u.pointee.carrier == m.handle, let x = exchanges.resolve(u.pointee.exchange)
                else { return }
                let client = x.pointee.client
                take(event, text, u, x, session)
                if clients.resolve(client)?.pointee.phase == .readingHead { waiting.append(client) }
            }
            // Their next requests may go to this connection, which must not be at work then.
            for client in waiting { continueClient(client) }
        }
    }

    private mutating func take(
        _ event: HTTP2Event, _ text: UnsafeMutablePointer<UInt8>, _ u: Upstream, _ x: ExchangeReference,
        _ session: HTTP2Session
    ) {
        switch event.kind {
        case .head:
            u.pointee.hasAnswered = true
            u.pointee.endsWithHead = event.endsStream
            setTimer(upstream: u, u.pointee.responseTicks)
            guard !u.pointee.hasHead, !event.range.isEmpty else { return lost(u, x, .malformed) }
            memcpy(scratch + Self.headroom, text, event.range.count)
            deliver(u, x, clients[x.pointee.client], scratch + Self.headroom, event.range.count)
        case .trailers:
            buffers.release(&u.pointee.trailers)
            TrailerSection.copy(text, event.range.count, of: .response, to: &u.pointee.trailers, &buffers)
        case .data:
            setTimer(upstream: u, u.pointee.responseTicks)
            u.pointee.stream?.pointee.held += event.count
            if let bytes = event.bytes { takeContent(u, x, bytes, event.count) }
        case .end:
            u.pointee.peerClosed = true
            pumpStreamDown(u)
        case .closed: streamClosed(u, x, event.code, session)
        case .drained:
            guard u.pointee.output.isEmpty else { return }
            buffers.release(&u.pointee.output)
            setTimer(upstream: u, u.pointee.responseTicks)
            if !x.pointee.body.isComplete { pumpUpload(x) }
        case .endedEarly: break
        }
    }

    /// Passes content on, or keeps it while the client takes none: the stream's window bounds how much that is.
    private mutating func takeContent(
        _ u: Upstream, _ x: ExchangeReference, _ bytes: UnsafePointer<UInt8>, _ count: Int
    ) {
        guard u.pointee.hasHead else { return lost(u, x, .malformed) }
        let c = clients[x.pointee.client]
        if c.pointee.output.isEmpty, u.pointee.input.isEmpty {
            // Room around it for the framing of HTTP/1.1.
            memcpy(scratch + Self.headroom, bytes, count)
            forwardBody(u, x, c, scratch + Self.headroom, count, headCount: 0)
            if u.isLive { acknowledge(u) }
            return
        }
        if u.pointee.input.base == nil {
            u.pointee.input = buffers.take(Self.headroom + count + Self.tailroom)
            u.pointee.input.start = Self.headroom
            u.pointee.input.end = Self.headroom
        } else if u.pointee.input.room < count + Self.tailroom {
            var larger = buffers.take(Self.headroom + 2 * u.pointee.input.count + count + Self.tailroom)
            larger.start = Self.headroom
            larger.end = Self.headroom
            larger.append(u.pointee.input.bytes, u.pointee.input.count)
            buffers.release(&u.pointee.input)
            u.pointee.input = larger
        }
        u.pointee.input.append(bytes, count)
    }

    /// The counterpart of ``readResponse(_:)``: what was kept goes on to the client, and then the end.
    mutating func pumpStreamDown(_ u: Upstream) {
        guard u.isLive, u.pointee.phase == .active, let x = exchanges.resolve(u.pointee.exchange) else { return }
        let c = clients[x.pointee.client]
        if !u.pointee.input.isEmpty {
            guard c.pointee.output.isEmpty else { return }
            var kept = u.pointee.input
            u.pointee.input = ByteBuffer()
            forwardBody(u, x, c, kept.bytes, kept.count, headCount: 0)
            buffers.release(&kept)
            guard u.isLive else { return }
            acknowledge(u)
        }
        if u.pointee.peerClosed { ended(u, x, c) }
    }

    private mutating func acknowledge(_ u: Upstream) {
        guard let stream = u.pointee.stream, stream.pointee.held > 0, let session = session(of: u) else { return }
        session.consume(stream, stream.pointee.held)
        scheduleFlush(pool.connections[u.pointee.carrier], session)
    }

    private mutating func streamClosed(
        _ u: Upstream, _ x: ExchangeReference, _ code: UInt32, _ session: HTTP2Session
    ) {
        if let stream = u.pointee.stream { session.release(stream, resetWith: NGHTTP2_CANCEL) }
        u.pointee.stream = nil
        // What was kept of a whole response is still to be passed on.
        if u.pointee.peerClosed { return }
        lost(u, x, code == NGHTTP2_REFUSED_STREAM.rawValue ? .refused : .broken)
    }

    // MARK: Writing

    mutating func scheduleFlush(_ m: Upstream, _ session: HTTP2Session) {
        if m.pointee.phase == .multiplexed { schedule(session, .upstream(m.handle)) }
    }

    mutating func flushFrames(_ m: Upstream) {
        guard let session = m.pointee.session?.takeUnretainedValue() else { return }
        session.isFlushScheduled = false
        for _ in 0..<16 {
            switch session.write(to: m.pointee.socket, &buffers) {
            case .all: settle(m, session)
            case .blocked(let isNew):
                if isNew { setTimer(upstream: m, limits.write) }
                return
            case .broken: return loseCarrier(m, .broken)
            }
            guard m.isLive else { return }
            if session.outgoing.isEmpty { return awaitStreams(m, session) }
        }
        scheduleFlush(m, session)
    }

    /// Nothing is left to be written.
    private mutating func awaitStreams(_ m: Upstream, _ session: HTTP2Session) {
        guard session.streams.isEmpty else { return clearTimer(upstream: m) }
        let e = directory.endpoints[m.pointee.endpoint]
        if session.isOver || session.isRefusingRequests || isDraining || !e.pointee.isWanted
            || e.pointee.multiplexed != m.handle
        {
            return closeCarrier(m)
        }
        pool.setIdle(m, true)
        setTimer(upstream: m, limits.upstreamIdle)
    }

    // MARK: Ending

    /// Frees a stream's slot. One that is still open is taken back.
    mutating func closeStream(_ u: Upstream) {
        if let m = pool.connections.resolve(u.pointee.carrier), let session = m.pointee.session?.takeUnretainedValue() {
            if let stream = u.pointee.stream { session.release(stream, resetWith: NGHTTP2_CANCEL) }
            // A place has become free: this one serves as well as another that is full.
            let e = directory.endpoints[m.pointee.endpoint]
            if e.pointee.multiplexed != m.handle, hasRoom(m) {
                let current = pool.connections.resolve(e.pointee.multiplexed)
                if current.map({ !hasRoom($0) }) ?? true { e.pointee.multiplexed = m.handle }
            }
            scheduleFlush(m, session)
        }
        let endpoint = u.pointee.endpoint
        pool.closeStream(u, of: directory.endpoints[endpoint])
        directory.reclaim(endpoint)
    }

    /// A connection with all of its streams is of no use any more.
    mutating func loseCarrier(_ m: Upstream, _ loss: UpstreamLoss) {
        guard let session = m.pointee.session?.takeUnretainedValue() else { return }
        let e = directory.endpoints[m.pointee.endpoint]
        if e.pointee.multiplexed == m.handle { e.pointee.multiplexed = .none }
        session.isRefusingRequests = true
        while let stream = session.streams.last {
            let owner = stream.pointee.owner
            let wasSent = session.hasWrittenHead(stream)
            session.release(stream, resetWith: NGHTTP2_CANCEL)
            guard let u = pool.connections.resolve(Handle(packed: owner)) else { continue }
            u.pointee.stream = nil
            guard let x = exchanges.resolve(u.pointee.exchange) else {
                closeStream(u)
                continue
            }
            if u.pointee.peerClosed { continue }
            if !wasSent { x.pointee.requestSent = 0 }
            let client = x.pointee.client
            lost(u, x, loss)
            continueClient(client)
        }
        if m.isLive { closeCarrier(m) }
    }

    /// Closes a connection that carries nothing.
    mutating func closeCarrier(_ m: Upstream) {
        let e = directory.endpoints[m.pointee.endpoint]
        if e.pointee.multiplexed == m.handle { e.pointee.multiplexed = .none }
        close(m)
    }

    mutating func carrierExpired(_ m: Upstream) {
        guard let session = m.pointee.session?.takeUnretainedValue() else { return }
        if m.pointee.phase == .connecting { return loseCarrier(m, .connectTimeout) }
        if !session.outgoing.isEmpty { return loseCarrier(m, .broken) }
        if session.streams.isEmpty { closeCarrier(m) }
    }
}

extension ProxyCore {
    /// A stream got no answer in time. If that is the connection's fault, others need not find out too: new requests go to
    /// another one.
    mutating func distrustCarrier(of u: Upstream) {
        let e = directory.endpoints[u.pointee.endpoint]
        if e.pointee.multiplexed == u.pointee.carrier { e.pointee.multiplexed = .none }
    }
}
