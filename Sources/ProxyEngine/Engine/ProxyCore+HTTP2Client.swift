internal import CNGHTTP2
internal import Glibc
internal import NetworkTypes
internal import Transport

// Clients that speak HTTP/2 (RFC 9113). Their connection carries no exchange itself: each of its streams has a slot as a
// client of its own, of one request, which goes through all that a request of HTTP/1.1 goes through. See decision 37.
extension ProxyCore {
    // MARK: Beginning

    /// Whether bytes begin the preface of HTTP/2 (RFC 9113 section 3.4); by it a client is known, with TLS and without.
    static func isHTTP2Preface(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let preface: StaticString = "PRI * HTTP/2.0\r\n"
        return count >= preface.utf8CodeUnitCount && memcmp(bytes, preface.utf8Start, preface.utf8CodeUnitCount) == 0
    }

    /// Goes over to HTTP/2 on a connection that has sent nothing else. `bytes` are all that was read.
    mutating func beginHTTP2(_ c: Client, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard
            let session = HTTP2Session(role: .server, headLimit: limits.maxHeadBytes, now: loop.now.nanoseconds)
        else { return close(c) }
        c.pointee.phase = .multiplexed
        c.pointee.session = Unmanaged.passRetained(session)
        setTimer(client: c, limits.requestHead)
        if isDraining { session.goAway() }
        memcpy(frameScratch, bytes, count)
        c.pointee.input.start = c.pointee.input.end
        buffers.release(&c.pointee.input)
        takeFrames(c, session, count)
        readFrames(c)
    }

    // MARK: Reading

    /// Reads and takes frames while there are some.
    mutating func readFrames(_ c: Client) {
        var rounds = 0
        while c.isLive, c.pointee.mayRead, let session = c.pointee.session?.takeUnretainedValue() {
            // Whoever does not read what it is told (acknowledgements, errors) is not listened to, nor who was told to go.
            if session.isCondemned || session.outgoing.count >= HTTP2Session.batchBytes { return }
            rounds += 1
            if rounds > 16 { return resumeLater(c) }
            guard let count = receive(c, frameScratch, Self.readSize) else { continue }
            takeFrames(c, session, count)
        }
    }

    /// Gives the session `count` bytes of `frameScratch`.
    private mutating func takeFrames(_ c: Client, _ session: HTTP2Session, _ count: Int) {
        session.now = loop.now.nanoseconds
        var position = 0
        while position < count || session.isPaused {
            let used = session.receive(frameScratch + position, count - position)
            settle(c, session)
            guard c.isLive else { return }
            guard let used else {
                flushFrames(c)
                if c.isLive, c.pointee.phase == .multiplexed { closeFrames(c) }
                return
            }
            position += used
        }
        if c.isLive { scheduleFlush(c, session) }
    }

    /// Does what the session's events ask for.
    private mutating func settle(_ c: Client, _ session: HTTP2Session) {
        while c.isLive, !session.events.isEmpty {
            session.takeEvents { event, text in
                guard c.isLive else { return }
                if event.kind == .head { return openStream(c, session, event, text) }
                // Content may come in the same bytes as its head, so that its owner was not known then.
                let owner = event.owner != 0 ? event.owner : session.owner(of: event.id)
                guard owner != 0, let s = clients.resolve(Handle(packed: owner)) else { return }
                switch event.kind {
                case .head: break
                case .data:
                    s.pointee.stream?.pointee.held += event.count
                    takeContent(s, event.bytes, event.count)
                case .trailers: endContent(s, trailers: text, event.range.count)
                case .end: if !s.pointee.peerClosed { endContent(s, trailers: text, 0) }
                case .closed: streamClosed(s, session)
                case .drained: streamDrained(s)
                case .endedEarly: if s.pointee.exchange.isNone { close(s) }
                }
            }
        }
    }

    private mutating func openStream(
        _ c: Client, _ session: HTTP2Session, _ event: HTTP2Event, _ text: UnsafeMutablePointer<UInt8>
    ) {
        // One that came in the same bytes as the word that ended it all is answered.
        if event.id > session.lastTaken { return }
        let s = clients.take()
        s.pointee.carrier = c.handle
        s.pointee.listener = c.pointee.listener
        s.pointee.address = c.pointee.address
        s.pointee.addressText = c.pointee.addressText
        s.pointee.addressCount = c.pointee.addressCount
        s.pointee.isSecure = c.pointee.isSecure
        let offset = MemoryLayout<ClientConnection>.offset(of: \.output)
        guard let offset,
            let stream = session.adopt(
                event.id, owner: s.handle.packed,
                output: (s.address + offset).assumingMemoryBound(to: ByteBuffer.self))
        else {
            // It was taken back before anybody looked at it.
            return clients.release(s)
        }
        stream.pointee.isInputComplete = event.endsStream
        s.pointee.stream = stream
        streamCount += 1
        if !session.isStalled { suspendTimer(client: c) }
        c.pointee.requestsServed += 1
        if c.pointee.requestsServed == 1 { proved(c) }
        if c.pointee.requestsServed >= limits.maxRequestsPerConnection {
            session.goAway()
            // It was told, and goes on.
            if c.pointee.requestsServed / 2 >= limits.maxRequestsPerConnection { session.takeNoMore() }
        }
        if event.status != 0 { return refuse(s, event.status) }
        if takeRequest(s, text, event.range.count, isOwn: false) == .incomplete { refuse(s, 400) }
    }

    // MARK: A request's content

    /// Frames content as the request's head announces it, and passes on what the upstream takes.
    private mutating func takeContent(_ s: Client, _ bytes: UnsafePointer<UInt8>?, _ count: Int) {
        guard let bytes, count > 0, !s.pointee.exchange.isNone else { return }
        let x = exchanges[s.pointee.exchange]
        if x.pointee.phase == .switched {
            keepInput(s, bytes, count)
            setTimer(client: s, tunnelTicks(s))
            return pumpTunnelUp(s)
        }
        if x.pointee.flags.contains(.upgrade), x.pointee.phase == .waiting {
            // The tunnel's, once there is one; until then the stream's window bounds it.
            return keepInput(s, bytes, count)
        }
        guard !x.pointee.body.isComplete else { return }
        if x.pointee.body.kind == .chunked {
            var line = InlineArray<24, UInt8>(repeating: 0)
            var length = 22
            line[22] = 0x0D
            line[23] = 0x0A
            var rest = count
            repeat {
                length -= 1
                line[length] = ByteCursor.hexDigit(UInt8(rest & 15))
                rest >>= 4
            } while rest > 0
            let size = 24 - length
            buffers.reserve(size + count + 2, in: &s.pointee.input)
            for index in length..<24 {
                withUnsafePointer(to: line[index]) { s.pointee.input.append($0, 1) }
            }
            s.pointee.input.append(bytes, count)
            let end: StaticString = "\r\n"
            s.pointee.input.append(end.utf8Start, 2)
        } else {
            keepInput(s, bytes, count)
        }
        pumpUpload(x)
    }

    /// - Parameter trailers: `count` bytes of lines that end in CR and LF, which go through the scanner of HTTP/1.1.
    private mutating func endContent(_ s: Client, trailers: UnsafePointer<UInt8>, _ count: Int) {
        s.pointee.peerClosed = true
        guard !s.pointee.exchange.isNone else { return }
        let x = exchanges[s.pointee.exchange]
        if x.pointee.phase == .switched { return pumpTunnelUp(s) }
        guard x.pointee.body.kind == .chunked, !x.pointee.body.isComplete else { return }
        let end: StaticString = "0\r\n\r\n"
        keepInput(s, end.utf8Start, 3)
        keepInput(s, trailers, count)
        keepInput(s, end.utf8Start + 3, 2)
        pumpUpload(x)
    }

    /// All of a stream's input was passed on: its client may send more.
    mutating func acknowledgeInput(_ s: Client) {
        guard let stream = s.pointee.stream, stream.pointee.held > 0,
            let session = session(of: s)
        else { return }
        session.consume(stream, stream.pointee.held)
        scheduleFlush(clients[s.pointee.carrier], session)
    }

    // MARK: Responses

    func session(of s: Client) -> HTTP2Session? {
        clients[s.pointee.carrier].pointee.session?.takeUnretainedValue()
    }

    /// Puts content into the stream's output.
    mutating func sendOnStream(_ s: Client, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count > 0 else { return true }
        buffers.reserve(count, in: &s.pointee.output)
        s.pointee.output.append(bytes, count)
        setTimer(client: s, limits.write)
        resume(s)
        return true
    }

    private mutating func resume(_ s: Client) {
        guard let stream = s.pointee.stream, let session = session(of: s) else { return }
        session.resume(stream)
        scheduleFlush(clients[s.pointee.carrier], session)
    }

    /// Sends the head in `responseHead`, of `bytes`, as that of a final response or of an interim one.
    ///
    /// - Parameter hasContent: something follows it.
    mutating func respondOnStream(_ s: Client, _ bytes: UnsafeMutablePointer<UInt8>, hasContent: Bool) {
        guard let stream = s.pointee.stream, let session = session(of: s) else { return }
        // A tunnel is a response like others, whose content goes both ways (RFC 8441 section 5).
        let isTunnel = responseHead.pointee.status == 101
        let status = isTunnel ? 200 : responseHead.pointee.status
        let count = responseHead.pointee.fields.count
        fieldBlock.removeAll()
        fieldBlock.add(status: status)
        var nominated = NominatedFields()
        for index in 0..<count where responseHead.pointee.fields[index].kind == .connection {
            _ = nominated.read(responseHead.pointee.fields[index].value, bytes)
        }
        var hasDate = false
        // Those of the exchange: interim responses have none.
        let added = status < 200 ? nil : exchanges.resolve(s.pointee.exchange)?.pointee.responseFields.readable
        for index in 0..<count {
            let field = responseHead.pointee.fields[index]
            switch field.kind {
            case .date: hasDate = true
            // RFC 9113 section 8.2.2.
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: continue
            case .contentLength: if isTunnel || status < 200 || status == 204 { continue }
            default:
                if nominated.contains(field.name, bytes) { continue }
                if let added, AddedFields.replace(bytes + Int(field.name.start), Int(field.name.count), added) {
                    continue
                }
                // Of the handshake that was ours (RFC 8441 section 5).
                if isTunnel, field.name.count == 20,
                    RequestHead.equals(bytes + Int(field.name.start), "sec-websocket-accept")
                {
                    continue
                }
            }
            let value = bytes + Int(field.value.start)
            // Control characters, which HTTP/1.1 lets pass, would make the whole response malformed.
            if nghttp2_check_header_value(value, Int(field.value.count)) == 0 { continue }
            fieldBlock.add(
                bytes + Int(field.name.start), Int(field.name.count), value, Int(field.value.count))
        }
        if status < 200 {
            session.inform(stream, fieldBlock)
        } else {
            if !hasDate { addDate() }
            if let lines = added?.baseAddress, let added { fieldBlock.add(lines: lines, added.count) }
            var cookie = ByteBuffer()
            if let x = exchanges.resolve(s.pointee.exchange), x.pointee.flags.contains(.newSession) {
                cookie = sessionCookie(x, s)
                if cookie.count > 0 { fieldBlock.add("set-cookie", cookie.bytes + 12, cookie.count - 14) }
            }
            session.respond(stream, fieldBlock, hasContent: hasContent)
            buffers.release(&cookie)
        }
        scheduleFlush(clients[s.pointee.carrier], session)
    }

    /// `Date`, in the last bytes of `headScratch`.
    private mutating func addDate() {
        let line = headScratch + Self.readSize
        var out = ByteCursor(line)
        currentDate().write(to: &out)
        // Behind "Date: ", before CR and LF.
        fieldBlock.add("date", line + 6, DateText.count)
    }

    /// 100, by which the client may send its content.
    mutating func continueOnStream(_ s: Client) {
        guard let stream = s.pointee.stream, let session = session(of: s) else { return }
        fieldBlock.removeAll()
        fieldBlock.add(status: 100)
        session.inform(stream, fieldBlock)
        scheduleFlush(clients[s.pointee.carrier], session)
    }

    /// An answer of the proxy's own; see ``answer(_:_:location:)``.
    mutating func answerOnStream(_ x: ExchangeReference, _ s: Client, _ page: ErrorPage, location: ByteBuffer?) {
        guard let stream = s.pointee.stream, let session = session(of: s) else { return abandon(s) }
        fieldBlock.removeAll()
        let isGRPC = x.pointee.flags.contains(.grpc)
        let hasContent = !isGRPC && !x.pointee.flags.contains(.head) && page.hasBody
        fieldBlock.add(status: isGRPC ? 200 : Int(page.status))
        fieldBlock.add("server", "martlet")
        if let seconds = page.retryAfter { fieldBlock.add("retry-after", seconds) }
        addDate()
        var out = ByteCursor(headScratch)
        if isGRPC {
            // The call's status is all that its client looks at; see ``GRPCStatus``.
            out.put(decimal: GRPCStatus.code(of: page.status))
            fieldBlock.add("content-type", "application/grpc")
            fieldBlock.add("grpc-status", headScratch, out.position - headScratch)
            fieldBlock.add("grpc-message", page.reason)
        } else {
            if page.hasBody {
                out.put(decimal: page.bodyCount)
                fieldBlock.add("content-type", "text/html")
                fieldBlock.add("content-length", headScratch, out.position - headScratch)
            }
            if let text = location?.readable?.baseAddress, let location {
                fieldBlock.add("location", text, location.count)
            }
        }
        if let lines = x.pointee.responseFields.readable, let base = lines.baseAddress {
            fieldBlock.add(lines: base, lines.count)
        }
        session.respond(stream, fieldBlock, hasContent: hasContent)
        x.pointee.phase = .responding
        if hasContent {
            out = ByteCursor(headScratch)
            page.writeBody(&out)
            guard send(x, s, headScratch, out.position - headScratch) else { return }
        }
        endExchange(x, s)
    }

    /// The whole response was handed on; the stream ends with what waits in its output.
    mutating func finishStream(_ s: Client) {
        s.pointee.phase = .flushing
        buffers.release(&s.pointee.input)
        s.pointee.stream?.pointee.isOutputComplete = true
        setTimer(client: s, limits.write)
        resume(s)
    }

    /// The upstream of a tunnel has ended it: the client gets what is there, and the end.
    mutating func endTunnel(_ x: ExchangeReference, _ s: Client) {
        detachUpstream(x)
        accounts.tunnels -= 1
        account(x, s)
        drop(x, s)
        finishStream(s)
    }

    /// Goes on with what waited for the stream's output.
    private mutating func streamDrained(_ s: Client) {
        guard s.pointee.output.isEmpty else { return }
        outputDrained(s)
    }

    private mutating func streamClosed(_ s: Client, _ session: HTTP2Session) {
        if let stream = s.pointee.stream { session.release(stream, resetWith: NGHTTP2_NO_ERROR) }
        s.pointee.stream = nil
        if s.pointee.exchange.isNone { close(s) } else { abandon(s) }
    }

    /// Frees a stream's slot. A stream that is still open is reset: whoever lacks something of the response hears of it.
    mutating func closeStream(_ s: Client) {
        let carrier = clients[s.pointee.carrier]
        if let session = carrier.pointee.session?.takeUnretainedValue() {
            if let stream = s.pointee.stream {
                session.release(
                    stream, resetWith: stream.pointee.hasEnded ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR)
            }
            scheduleFlush(carrier, session)
        }
        streamCount -= 1
        clients.release(s)
    }

    // MARK: Writing

    /// Has the session's frames written when everything that is ready now was handled: many streams, one write.
    mutating func scheduleFlush(_ c: Client, _ session: HTTP2Session) {
        schedule(session, .client(c.handle))
    }

    /// Writes what the session has to say, for as long as the client takes it.
    mutating func flushFrames(_ c: Client) {
        guard let session = c.pointee.session?.takeUnretainedValue() else { return }
        session.isFlushScheduled = false
        for _ in 0..<16 {
            switch session.write(to: c.pointee.socket, &buffers) {
            case .all: settle(c, session)
            case .blocked(let isNew):
                if isNew { setTimer(client: c, limits.write) }
                return
            case .broken: return abandon(c)
            }
            guard c.isLive else { return }
            if session.outgoing.isEmpty { return awaitFrames(c, session) }
        }
        scheduleFlush(c, session)
    }

    /// Nothing is left to be written.
    private mutating func awaitFrames(_ c: Client, _ session: HTTP2Session) {
        if session.isOver || session.streams.isEmpty && session.takesNoMore { return closeFrames(c) }
        if session.isInsideHead {
            if c.pointee.deadlineHead == .max { c.pointee.deadlineHead = now + limits.requestHead }
            return setTimer(client: c, max(1, c.pointee.deadlineHead - now))
        }
        c.pointee.deadlineHead = .max
        if !session.streams.isEmpty { return suspendTimer(client: c) }
        // It is about to answer, or does not listen.
        if session.isGoingAway { return setTimer(client: c, CoreLimits.ticks(.seconds(1))) }
        if c.pointee.requestsServed > 0 { setTimer(client: c, limits.keepAlive) }
    }

    // MARK: Ending

    /// Everything was said that is to be said: ends the connection so that it can be read.
    private mutating func closeFrames(_ c: Client) {
        endStreams(c)
        c.pointee.mayRead = true
        closeGracefully(c)
    }

    /// The timer of a connection with HTTP/2: nobody reads, a head does not end, or nothing has happened for long.
    mutating func framesExpired(_ c: Client) {
        guard let session = c.pointee.session?.takeUnretainedValue() else { return }
        if !session.outgoing.isEmpty || session.isInsideHead { return abandon(c) }
        if session.streams.isEmpty {
            if session.isGoingAway { return closeFrames(c) }
            drainFrames(c)
        }
    }

    /// Takes no more requests and ends the connection behind those that are there.
    mutating func drainFrames(_ c: Client) {
        guard let session = c.pointee.session?.takeUnretainedValue() else { return }
        session.goAway()
        scheduleFlush(c, session)
    }

    /// Gives up everything that is under way on a connection that is about to end, and its session.
    mutating func endStreams(_ c: Client) {
        guard let held = c.pointee.session else { return }
        let session = held.takeUnretainedValue()
        while let stream = session.streams.last {
            guard let s = clients.resolve(Handle(packed: stream.pointee.owner)) else {
                session.release(stream, resetWith: NGHTTP2_INTERNAL_ERROR)
                continue
            }
            abandon(s)
        }
        buffers.release(&session.outgoing)
        c.pointee.session = nil
        held.release()
    }
}
