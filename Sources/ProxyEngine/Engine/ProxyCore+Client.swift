internal import Glibc
internal import NetworkTypes
internal import Transport

// The client's side: reading requests, writing, ending.
extension ProxyCore {
    // MARK: Events

    mutating func clientReady(_ c: Client, _ events: ReadyEvents) {
        if events.contains(.readable) { c.pointee.mayRead = true }
        if events.contains(.peerClosed) { c.pointee.peerClosed = true }
        if events.contains(.failed), c.pointee.phase != .tunnel {
            return abandon(c)
        }
        if events.contains(.writable) {
            if c.pointee.phase == .multiplexed { flushFrames(c) } else if !c.pointee.output.isEmpty { flushClient(c) }
            guard c.isLive else { return }
        }
        guard c.pointee.mayRead else { return }
        proceed(c)
    }

    /// Does what the phase allows with a client that may be read.
    mutating func proceed(_ c: Client) {
        switch c.pointee.phase {
        case .readingHead: readRequests(c)
        case .exchanging:
            let x = exchanges[c.pointee.exchange]
            if !x.pointee.body.isComplete {
                pumpUpload(x)
            } else if c.pointee.peerClosed {
                abandonIfGone(c)
            }
        case .tunnel: pumpTunnelUp(c)
        case .lingering: drainLingering(c)
        case .multiplexed: readFrames(c)
        case .flushing, .flushingToClose: break
        }
    }

    /// As nginx: a client that has closed while its request is being served (and sent no further one) is not waited
    /// for, so that long polls and watches end when their reader does.
    private mutating func abandonIfGone(_ c: Client) {
        guard c.pointee.input.isEmpty else { return }
        var byte: UInt8 = 0
        let count = recv(c.pointee.socket.descriptor, &byte, 1, Int32(MSG_PEEK))
        if count > 0, c.pointee.socket.tls == nil { return }
        if count < 0, errno == EAGAIN { return }
        abandon(c)
    }

    // MARK: Requests

    /// Reads and dispatches requests until one is waiting for its upstream or there is nothing to read.
    mutating func readRequests(_ c: Client) {
        if c.pointee.awaitsProxyHeader, !takeProxyHeader(c) { return }
        if c.pointee.awaitsTLS, !beginTLS(c) { return }
        while c.isLive, c.pointee.phase == .readingHead {
            if !c.pointee.input.isEmpty { c.pointee.dropEmptyLines() }
            if !c.pointee.input.isEmpty, c.pointee.hasWholeHead() {
                let taken = takeRequest(c, c.pointee.input.bytes, c.pointee.input.count, isOwn: true)
                if taken == .incomplete { return refuse(c, 400) }
                continue
            }
            guard c.pointee.mayRead else { return waitForRequest(c) }
            if c.pointee.input.isEmpty {
                buffers.release(&c.pointee.input)
                c.pointee.scanned = 0
                let bytes = scratch + Self.headroom
                guard let count = receive(c, bytes, Self.readSize) else { continue }
                if takeRequest(c, bytes, count, isOwn: false) == .incomplete {
                    keepInput(c, bytes, count)
                    c.pointee.dropEmptyLines()
                    if !c.pointee.input.isEmpty { c.pointee.deadlineHead = now + limits.requestHead }
                }
            } else {
                if c.pointee.input.count >= limits.maxHeadBytes {
                    let isLine = memchr(c.pointee.input.bytes, 0x0A, c.pointee.input.count) == nil
                    return refuse(c, isLine ? 414 : 431)
                }
                buffers.reserve(2048, in: &c.pointee.input)
                let end = c.pointee.input.bytes + c.pointee.input.count
                guard let count = receive(c, end, c.pointee.input.room) else { continue }
                c.pointee.input.end += count
            }
        }
    }

    /// One read; nil when there is nothing (then `mayRead` is off) or the client is gone (then it is free).
    mutating func receive(_ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ room: Int) -> Int? {
        switch c.pointee.socket.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: room)) {
        case .bytes(let count):
            c.pointee.noteRead(count, of: room)
            if c.pointee.isHandshaking { endHandshake(c) }
            return count
        case .wouldBlock:
            c.pointee.mayRead = false
            return nil
        case .closed, .failed:
            abandon(c)
            return nil
        }
    }

    mutating func keepInput(_ c: Client, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        if count == 0 { return }
        buffers.reserve(count, in: &c.pointee.input)
        c.pointee.input.append(bytes, count)
    }

    private mutating func waitForRequest(_ c: Client) {
        if !c.pointee.input.isEmpty {
            if c.pointee.deadlineHead == .max { c.pointee.deadlineHead = now + limits.requestHead }
            setTimer(client: c, max(1, c.pointee.deadlineHead - now))
            return
        }
        buffers.release(&c.pointee.input)
        guard c.pointee.requestsServed > 0 else { return }
        c.pointee.deadlineHead = .max
        if isDraining { return close(c) }
        setTimer(client: c, limits.keepAlive)
    }

    // MARK: Writing

    /// Sends to the client of an exchange, keeping what it does not take. False when the client is gone, and the
    /// exchange with it.
    @inline(__always)
    mutating func send(
        _ x: ExchangeReference, _ c: Client, _ bytes: UnsafePointer<UInt8>, _ count: Int
    ) -> Bool {
        x.pointee.download += Int64(count)
        if !c.pointee.carrier.isNone { return sendOnStream(c, bytes, count) }
        var sent = 0
        if c.pointee.output.isEmpty {
            while sent < count {
                let rest = UnsafeRawBufferPointer(start: bytes + sent, count: count - sent)
                switch c.pointee.socket.write(rest) {
                case .bytes(let written):
                    sent += written
                    if sent < count, c.pointee.socket.tls == nil { break }
                    continue
                case .wouldBlock: break
                case .closed, .failed:
                    abandon(c)
                    return false
                }
                break
            }
            if sent == count { return true }
        }
        buffers.reserve(count - sent, in: &c.pointee.output)
        c.pointee.output.append(bytes + sent, count - sent)
        setTimer(client: c, limits.write)
        return true
    }

    /// Sends what was kept, and goes on with what waited for it.
    mutating func flushClient(_ c: Client) {
        while !c.pointee.output.isEmpty {
            let rest = UnsafeRawBufferPointer(start: c.pointee.output.bytes, count: c.pointee.output.count)
            switch c.pointee.socket.write(rest) {
            case .bytes(let written):
                c.pointee.output.start += written
                setTimer(client: c, limits.write)
            case .wouldBlock: return
            case .closed, .failed: return abandon(c)
            }
        }
        outputDrained(c)
    }

    /// Goes on with what waited for the client to take its output.
    mutating func outputDrained(_ c: Client) {
        buffers.release(&c.pointee.output)
        suspendTimer(client: c)
        switch c.pointee.phase {
        case .flushing:
            c.pointee.phase = .readingHead
            readRequests(c)
        case .flushingToClose: closeGracefully(c)
        case .exchanging:
            let x = exchanges[c.pointee.exchange]
            if !x.pointee.body.isComplete { awaitBody(x, c, after: 0) }
            if !x.pointee.upstream.isNone {
                readResponse(pool.connections[x.pointee.upstream])
                continueClient(c.handle)
            }
        case .tunnel:
            setTimer(client: c, tunnelTicks(c))
            let x = exchanges[c.pointee.exchange]
            if !x.pointee.upstream.isNone { pumpTunnelDown(pool.connections[x.pointee.upstream]) }
        case .readingHead, .lingering, .multiplexed: break
        }
    }

    // MARK: The end of a response and of a connection

    /// The whole response has been handed to ``send(_:_:_:_:)``: on to the next request, or to the end. The caller
    /// goes on with ``continueClient(_:)``.
    mutating func endExchange(_ x: ExchangeReference, _ c: Client) {
        account(x, c)
        let isBodyRead = x.pointee.body.isComplete
        let staysOpen = x.pointee.flags.contains(.keepAlive) && isBodyRead && !isDraining
        drop(x, c)
        if !c.pointee.carrier.isNone { return finishStream(c) }
        c.pointee.deadlineHead = .max
        c.pointee.scanned = 0
        if staysOpen {
            c.pointee.phase = c.pointee.output.isEmpty ? .readingHead : .flushing
            return
        }
        if !isBodyRead { c.pointee.mayRead = true }
        c.pointee.phase = .flushingToClose
        if c.pointee.output.isEmpty { closeGracefully(c) }
    }

    mutating func drop(_ x: ExchangeReference, _ c: Client) {
        if !x.pointee.question.isNone { withdraw(x.pointee.question) }
        c.pointee.exchange = .none
        buffers.release(&x.pointee.request)
        buffers.release(&x.pointee.requestLine)
        buffers.release(&x.pointee.trailers)
        buffers.release(&x.pointee.responseFields)
        books.leave(x.pointee.place)
        exchanges.release(x)
    }

    /// After an event that ended an exchange: takes its client's next request if it is there.
    mutating func continueClient(_ handle: Handle<Party.Clients>) {
        if let c = clients.resolve(handle), c.pointee.phase == .readingHead { readRequests(c) }
    }

    /// Ends a connection on which everything was sent. If the client may still be sending, a plain close would make
    /// the kernel answer with RST and take our last bytes from it: half-close then, and wait.
    mutating func closeGracefully(_ c: Client) {
        if c.pointee.mayRead || !c.pointee.input.isEmpty, !c.pointee.peerClosed {
            c.pointee.socket.tls?.shutdown()
            Socket.shutdownWrite(c.pointee.socket.descriptor)
            buffers.release(&c.pointee.input)
            c.pointee.phase = .lingering
            setTimer(client: c, 5_000_000_000 / Int64(CoreLimits.tickNanoseconds))
            drainLingering(c)
        } else {
            close(c)
        }
    }

    private mutating func drainLingering(_ c: Client) {
        for _ in 0..<16 {
            let room = UnsafeMutableRawBufferPointer(start: scratch, count: Self.readSize)
            switch Socket.read(c.pointee.socket.descriptor, into: room) {
            case .bytes(let count): if !c.pointee.lingering.discarded(count) { return close(c) }
            case .wouldBlock: return
            case .closed, .failed: return close(c)
            }
        }
        resumeLater(c)
    }

    /// Ends a client whose exchange (if any) cannot be finished, together with its upstream connection.
    ///
    /// What has begun of a response must not be taken for the whole of it (RFC 9112 section 8). A length and chunks
    /// show that by themselves; where the end of the connection is the end of the response, it ends with a reset.
    mutating func abandon(_ c: Client) {
        guard c.isLive else { return }
        if !c.pointee.asker.isNone { return questionFailed(c) }
        if c.pointee.phase == .multiplexed { return close(c) }
        var isCut = false
        if !c.pointee.exchange.isNone {
            let x = exchanges[c.pointee.exchange]
            detachUpstream(x)
            if x.pointee.status == 0 { x.pointee.status = 499 }
            account(x, c)
            if x.pointee.phase == .switched { accounts.tunnels -= 1 }
            isCut = x.pointee.phase == .responding
            if isCut, x.pointee.flags.contains(.endsWithConnection), c.pointee.carrier.isNone {
                Socket.resetOnClose(c.pointee.socket.descriptor)
            }
            drop(x, c)
        }
        close(c, isWhole: !isCut)
    }

    mutating func abandon(_ x: ExchangeReference) { abandon(clients[x.pointee.client]) }

    /// Closes the socket and frees the slot. It must carry no exchange any more.
    ///
    /// - Parameter isWhole: nothing is missing that the client was to get, which TLS says by its close_notify. A stream knows
    ///   by itself.
    mutating func close(_ c: Client, isWhole: Bool = true) {
        if c.pointee.phase == .multiplexed { endStreams(c) }
        clearTimer(client: c)
        buffers.release(&c.pointee.input)
        buffers.release(&c.pointee.output)
        if !c.pointee.carrier.isNone { return closeStream(c) }
        endHandshake(c)
        if c.pointee.requestsServed == 0 { unproven.left(c.handle) }
        held.give(c.handle)
        c.pointee.certificate?.release()
        c.pointee.certificate = nil
        if let tls = c.pointee.socket.tls {
            if isWhole, c.pointee.phase != .lingering { tls.shutdown() }
            tls.free()
        }
        if let registration = c.pointee.registration { loop.close(registration) }
        clients.release(c)
    }

    mutating func clientExpired(_ c: Client) {
        if let stream = c.pointee.stream, stream.pointee.hasProgressed {
            // Frames were written since: it reads, slowly.
            stream.pointee.hasProgressed = false
            return setTimer(client: c, limits.write)
        }
        switch c.pointee.phase {
        case .readingHead:
            // A connection that never said anything is closed without a word, as an idle one is.
            if c.pointee.input.isEmpty { close(c) } else { refuse(c, 408) }
        case .exchanging:
            if !c.pointee.output.isEmpty { return abandon(c) }
            let x = exchanges[c.pointee.exchange]
            if x.pointee.flags.contains(.waiting) {
                fail(x, .overloaded)
                return continueClient(c.handle)
            }
            if x.pointee.flags.contains(.checkingPassword) {
                answer(x, ErrorPage.passwordsWaiting)
                return continueClient(c.handle)
            }
            if x.pointee.flags.contains(.asking) {
                answer(x, 500)
                return continueClient(c.handle)
            }
            if x.pointee.body.isComplete { return }
            if !x.pointee.upstream.isNone, !pool.connections[x.pointee.upstream].pointee.output.isEmpty {
                // The upstream is the slow one; its own timer decides.
                return awaitBody(x, c)
            }
            if x.pointee.phase == .responding { return abandon(x) }
            detachUpstream(x)
            answer(x, 408)
            continueClient(c.handle)
        case .tunnel, .flushing, .flushingToClose: abandon(c)
        case .multiplexed: framesExpired(c)
        case .lingering: close(c)
        }
    }
}
