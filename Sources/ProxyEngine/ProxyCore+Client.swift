internal import Glibc
internal import NetworkTypes
internal import Transport

// The client's side: reading requests, writing, ending.
extension ProxyCore {
    // MARK: Events

    mutating func clientReady(_ c: Client, _ events: ReadyEvents) {
        if c.pointee.phase == .free { return }
        if events.contains(.readable) { c.pointee.mayRead = true }
        if events.contains(.peerClosed) { c.pointee.peerClosed = true }
        if events.contains(.failed), c.pointee.phase != .tunnel {
            return abandon(c)
        }
        if events.contains(.writable), !c.pointee.output.isEmpty {
            flushClient(c)
            if c.pointee.phase == .free { return }
        }
        guard c.pointee.mayRead else { return }
        proceed(c)
    }

    /// Does what the phase allows with a client that may be read.
    mutating func proceed(_ c: Client) {
        switch c.pointee.phase {
        case .readingHead: readRequests(c)
        case .waiting, .responding:
            if !c.pointee.body.isComplete {
                pumpUpload(c)
            } else if c.pointee.peerClosed {
                abandonIfGone(c)
            }
        case .tunnel: pumpTunnelUp(c)
        case .lingering: drainLingering(c)
        case .flushing, .flushingToClose, .free: break
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
        if c.pointee.status == 0 { c.pointee.status = 499 }
        abandon(c)
    }

    // MARK: Requests

    /// Reads and dispatches requests until one is waiting for its upstream or there is nothing to read.
    mutating func readRequests(_ c: Client) {
        while c.pointee.phase == .readingHead {
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
                    c.pointee.deadlineHead = now + limits.requestHead
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
            // A short read has emptied the socket: the next bytes raise another event. Not so with TLS records.
            if count < room, !c.pointee.peerClosed, c.pointee.socket.tls == nil { c.pointee.mayRead = false }
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
        } else if c.pointee.requestsServed > 0 {
            buffers.release(&c.pointee.input)
            if isDraining { return close(c) }
            setTimer(client: c, limits.keepAlive)
        }
    }

    // MARK: Writing

    /// Sends to the client, keeping what it does not take. False when the client is gone (and free).
    @inline(__always)
    mutating func send(_ c: Client, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        c.pointee.download += Int64(count)
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
        buffers.release(&c.pointee.output)
        suspendTimer(client: c)
        switch c.pointee.phase {
        case .flushing:
            c.pointee.phase = .readingHead
            readRequests(c)
        case .flushingToClose: closeGracefully(c)
        case .waiting, .responding:
            if !c.pointee.body.isComplete { setTimer(client: c, limits.requestBody) }
            if c.pointee.upstream >= 0 {
                readResponse(upstreams[c.pointee.upstream])
                continueClient(c)
            }
        case .tunnel:
            setTimer(client: c, limits.tunnelIdle)
            if c.pointee.upstream >= 0 { pumpTunnelDown(upstreams[c.pointee.upstream]) }
        case .readingHead, .lingering, .free: break
        }
    }

    // MARK: The end of a response and of a connection

    /// The whole response has been handed to ``send(_:_:_:)``: on to the next request, or to the end.
    /// The caller goes on with ``continueClient(_:)``.
    mutating func endRequest(_ c: Client) {
        account(c)
        let staysOpen = c.pointee.flags.contains(.keepAlive) && c.pointee.body.isComplete && !isDraining
        let isHeadKept = c.pointee.body.isComplete
        buffers.release(&c.pointee.request)
        c.pointee.resetRequest()
        c.pointee.deadlineHead = .max
        c.pointee.scanned = 0
        if staysOpen {
            c.pointee.phase = c.pointee.output.isEmpty ? .readingHead : .flushing
        } else if !c.pointee.output.isEmpty {
            c.pointee.phase = .flushingToClose
            if !isHeadKept { c.pointee.mayRead = true }
        } else {
            if !isHeadKept { c.pointee.mayRead = true }
            closeGracefully(c)
        }
    }

    /// After an event that ended a request: takes the next one if it is there.
    mutating func continueClient(_ c: Client) {
        if c.pointee.phase == .readingHead { readRequests(c) }
    }

    /// Ends a connection on which everything was sent. If the client may still be sending, a plain close would make
    /// the kernel answer with RST and take our last bytes from it: half-close then, and wait.
    private mutating func closeGracefully(_ c: Client) {
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
            case .bytes: continue
            case .wouldBlock: return
            case .closed, .failed: return close(c)
            }
        }
        // A client that sends on and on is cut off by the timer.
        resumeLater(.client, c.pointee.index)
    }

    /// Ends a client whose request (if any) cannot be finished, together with its upstream connection.
    mutating func abandon(_ c: Client) {
        if c.pointee.phase == .free { return }
        if c.pointee.upstream >= 0 {
            let u = upstreams[c.pointee.upstream]
            c.pointee.upstream = -1
            u.pointee.client = -1
            close(u)
        }
        if c.pointee.phase == .waiting || c.pointee.phase == .responding {
            if c.pointee.status == 0 { c.pointee.status = 499 }
            account(c)
        } else if c.pointee.phase == .tunnel {
            account(c)
            tunnels -= 1
        }
        close(c)
    }

    /// Closes the socket and frees the slot.
    mutating func close(_ c: Client) {
        wheel.clear(c.pointee.index << 1)
        buffers.release(&c.pointee.input)
        buffers.release(&c.pointee.output)
        buffers.release(&c.pointee.request)
        if let tls = c.pointee.socket.tls {
            if c.pointee.phase != .lingering { tls.shutdown() }
            tls.free()
        }
        if let registration = c.pointee.registration { loop.close(registration) }
        c.pointee.registration = nil
        c.pointee.socket = StreamSocket(descriptor: -1)
        c.pointee.phase = .free
        clients.release(c.pointee.index)
    }

    mutating func clientExpired(_ c: Client) {
        switch c.pointee.phase {
        case .free: break
        case .readingHead:
            // A connection that never said anything is closed without a word, as an idle one is.
            if c.pointee.input.isEmpty { close(c) } else { refuse(c, 408) }
        case .waiting, .responding:
            if !c.pointee.output.isEmpty { return abandon(c) }
            if c.pointee.body.isComplete { return }
            if c.pointee.upstream >= 0, !upstreams[c.pointee.upstream].pointee.output.isEmpty {
                // The upstream is the slow one; its own timer decides.
                return setTimer(client: c, limits.requestBody)
            }
            if c.pointee.phase == .responding { return abandon(c) }
            detachUpstream(c)
            answer(c, 408)
            continueClient(c)
        case .tunnel, .flushing, .flushingToClose: abandon(c)
        case .lingering: close(c)
        }
    }

    // MARK: Accounts

    /// Counts a finished request.
    mutating func account(_ c: Client) {
        let status = c.pointee.status
        if status > 0, status < 600 { statuses[Int(status)] += 1 }
        let counter = Int(c.pointee.routeCounter)
        if counter >= 0, counter < routeTraffic.count {
            routeTraffic[counter].count(status: status, up: c.pointee.upload, down: c.pointee.download)
        }
        if accessLog != nil { log(c) }
        if c.pointee.upstreamState >= 0 {
            let state = states[c.pointee.upstreamState]
            state.pointee.traffic.count(status: status, up: c.pointee.upload, down: c.pointee.download)
            state.pointee.activeRequests -= 1
            if !state.pointee.isConfigured { freeStateIfUnused(state.pointee.index) }
        }
        c.pointee.upstreamState = -1
        c.pointee.routeCounter = -1
    }

    private func log(_ c: Client) {
        guard let accessLog else { return }
        let head =
            c.pointee.request.base.map { UnsafeRawBufferPointer(start: $0, count: c.pointee.request.end) }
            ?? UnsafeRawBufferPointer(start: nil, count: 0)
        // With a log on, its cost is the log's; names are not looked up otherwise.
        let state = c.pointee.upstreamState
        let name = state >= 0 ? stateIndices.first { $0.value == state }?.key : nil
        let nanoseconds = loop.now.nanoseconds &- c.pointee.startedAt
        accessLog.record(
            AccessRecord(
                head: head, status: Int(c.pointee.status), bytesUp: Int(c.pointee.upload),
                bytesDown: Int(c.pointee.download), duration: .nanoseconds(Int64(clamping: nanoseconds)),
                client: c.pointee.address,
                endpoint: c.pointee.endpoint >= 0 ? endpoints[c.pointee.endpoint].pointee.address : nil,
                upstream: name))
    }
}

extension ClientConnection {
    /// Whether the input holds the end of a head: looks at every byte once, however slowly they come.
    mutating func hasWholeHead() -> Bool {
        let bytes = input.bytes
        let count = input.count
        var index = max(0, scanned - 3)
        while index < count {
            guard let found = memchr(bytes + index, 0x0A, count - index) else { break }
            let position = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(bytes)
            if position + 1 < count, bytes[position + 1] == 0x0A { return true }
            if position + 2 < count, bytes[position + 1] == 0x0D, bytes[position + 2] == 0x0A { return true }
            index = position + 1
        }
        scanned = count
        return false
    }
}
