internal import Glibc
internal import Transport

// From the upstream's bytes to the client.
extension ProxyCore {
    /// Reads and forwards a response while there is something to read and the client takes it.
    mutating func readResponse(_ u: Upstream) {
        var rounds = 0
        while u.pointee.phase == .active, u.pointee.mayRead {
            let c = clients[u.pointee.client]
            // Backpressure: go on when the client has taken what it has.
            if !c.pointee.output.isEmpty { return }
            rounds += 1
            if rounds > 16 { return resumeLater(.upstream, u.pointee.index) }
            let isPartial = !u.pointee.input.isEmpty
            var bytes = scratch + Self.headroom
            var room = Self.readSize
            if isPartial {
                if u.pointee.input.room < 2048 + Self.tailroom {
                    keepResponse(u, u.pointee.input.bytes, u.pointee.input.count)
                }
                bytes = u.pointee.input.bytes + u.pointee.input.count
                room = u.pointee.input.room - Self.tailroom
            }
            switch u.pointee.socket.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: room)) {
            case .bytes(let count):
                if count < room, !u.pointee.peerClosed { u.pointee.mayRead = false }
                u.pointee.hasAnswered = true
                setTimer(upstream: u, limits.response)
                if isPartial {
                    u.pointee.input.end += count
                    deliverPartial(u, c)
                } else if u.pointee.hasHead {
                    forwardBody(u, c, bytes, count, headCount: 0)
                } else {
                    deliver(u, c, bytes, count)
                }
            case .wouldBlock: u.pointee.mayRead = false
            case .closed, .failed: return ended(u, c)
            }
        }
    }

    /// The upstream's end of stream.
    private mutating func ended(_ u: Upstream, _ c: Client) {
        u.pointee.mayRead = false
        u.pointee.peerClosed = true
        u.pointee.body.endOfStream()
        guard u.pointee.hasHead, u.pointee.body.isComplete else { return lost(u, c, .broken) }
        if c.pointee.flags.contains(.chunksResponse) {
            let end: StaticString = "0\r\n\r\n"
            guard send(c, end.utf8Start, end.utf8CodeUnitCount) else { return }
        }
        finish(u, c)
    }

    /// Takes a response head (or several, with 1xx) from a buffer of the connection's own.
    private mutating func deliverPartial(_ u: Upstream, _ c: Client) {
        var whole = u.pointee.input
        u.pointee.input = ByteBuffer()
        deliver(u, c, whole.bytes, whole.count)
        buffers.release(&whole)
    }

    /// Copies part of a response head to a larger buffer of the connection's own, with room around it as in `scratch`.
    private mutating func keepResponse(_ u: Upstream, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        var kept = buffers.take(Self.headroom + 2 * count + 4096 + Self.tailroom)
        kept.start = Self.headroom
        kept.end = Self.headroom
        kept.append(bytes, count)
        buffers.release(&u.pointee.input)
        u.pointee.input = kept
    }

    /// - Parameter bytes: with ``headroom`` in front and ``tailroom`` behind.
    private mutating func deliver(_ u: Upstream, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        var bytes = bytes
        var count = count
        while true {
            let window = UnsafeRawBufferPointer(start: bytes, count: count)
            let parsed = responseHead.pointee.parse(
                window, toHead: c.pointee.flags.contains(.head),
                limits: HTTP1HeadLimits(headBytes: limits.maxHeadBytes))
            switch parsed {
            case .incomplete:
                if count >= limits.maxHeadBytes { return lost(u, c, .malformed) }
                return keepResponse(u, bytes, count)
            case .invalid: return lost(u, c, .malformed)
            case .complete: break
            }
            let status = Int32(responseHead.pointee.status)
            if status > 599 { return lost(u, c, .malformed) }
            let headCount = responseHead.pointee.byteCount
            if status == 101 { return switchProtocols(u, c, bytes, count) }
            if status < 200 {
                // 100 was answered by the proxy itself; others (102, 103) go to clients that know them.
                if status != 100, !c.pointee.flags.contains(.http10) {
                    let length = ResponseHead.write(
                        responseHead, bytes, framing: .asIs, connection: .implied, to: headScratch)
                    guard send(c, headScratch, length) else { return }
                }
                bytes += headCount
                count -= headCount
                if count == 0 { return }
                continue
            }
            return begin(u, c, bytes, count)
        }
    }

    /// A final response head is there: sends it, with what there is of the body.
    private mutating func begin(
        _ u: Upstream, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        u.pointee.hasHead = true
        u.pointee.body = MessageBody(responseHead.pointee.framing)
        u.pointee.isReusable =
            responseHead.pointee.keepsAlive && c.pointee.body.isComplete
            && c.pointee.requestSent == c.pointee.request.end
        c.pointee.status = Int32(responseHead.pointee.status)
        // The request will not be sent again. With an access log its first line is still wanted.
        if accessLog == nil, c.pointee.requestSent == c.pointee.request.end {
            buffers.release(&c.pointee.request)
            c.pointee.requestSent = 0
        }
        var framing = ResponseHead.Framing.asIs
        switch u.pointee.body.kind {
        case .chunked:
            if c.pointee.flags.contains(.http10) {
                c.pointee.flags.insert(.unchunksResponse)
                c.pointee.flags.remove(.keepAlive)
                framing = .untilClose
            } else {
                framing = .chunked
            }
        case .untilClose:
            if c.pointee.flags.contains(.http10) {
                c.pointee.flags.remove(.keepAlive)
                framing = .untilClose
            } else {
                c.pointee.flags.insert(.chunksResponse)
                framing = .chunked
            }
        case .none, .length: break
        }
        // An answer before the end of the request: the rest of it is not read.
        if !c.pointee.body.isComplete || isDraining { c.pointee.flags.remove(.keepAlive) }
        let connection: ResponseHead.Connection =
            !c.pointee.flags.contains(.keepAlive) ? .close : c.pointee.flags.contains(.http10) ? .keepAlive : .implied
        let headCount = responseHead.pointee.byteCount
        let written = ResponseHead.write(
            responseHead, bytes, framing: framing, connection: connection, to: headScratch)
        c.pointee.phase = .responding
        forwardBody(u, c, bytes + headCount, count - headCount, headCount: written)
    }

    /// Sends body bytes to the client, framed as it needs them, with a head from `headScratch` in front.
    ///
    /// - Parameter bytes: with enough room in front for the head and a chunk size, and ``tailroom`` behind `count`.
    private mutating func forwardBody(
        _ u: Upstream, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, headCount: Int
    ) {
        var start = bytes
        var length: Int
        var step = MessageBody.Step()
        if c.pointee.flags.contains(.unchunksResponse) {
            step = u.pointee.body.advanceRemovingFraming(bytes, count)
            length = step.forward
        } else {
            step = u.pointee.body.advance(bytes, count)
            length = step.forward
            if c.pointee.flags.contains(.chunksResponse), length > 0 {
                let prefix = Self.chunkPrefix(length, before: start)
                (start + length).pointee = 0x0D
                (start + length + 1).pointee = 0x0A
                start -= prefix
                length += prefix + 2
            } else if step.needsFinalCRLF {
                // Whatever follows the body on this connection is not looked at, so it may be overwritten.
                (start + length).pointee = 0x0D
                (start + length + 1).pointee = 0x0A
                length += 2
            }
        }
        if step.isMalformed {
            detachUpstream(c)
            return abandon(c)
        }
        if headCount > 0 {
            start -= headCount
            memcpy(start, headScratch, headCount)
            length += headCount
        }
        if step.consumed < count { u.pointee.isReusable = false }
        if length > 0, !send(c, start, length) { return }
        if u.pointee.body.isComplete { finish(u, c) }
    }

    /// Writes the size line of a chunk in front of it; returns its length.
    private static func chunkPrefix(_ size: Int, before start: UnsafeMutablePointer<UInt8>) -> Int {
        (start - 1).pointee = 0x0A
        (start - 2).pointee = 0x0D
        var length = 2
        var rest = size
        repeat {
            length += 1
            (start - length).pointee = ByteCursor.hexDigit(UInt8(rest & 15))
            rest >>= 4
        } while rest > 0
        return length
    }

    /// The response is complete.
    private mutating func finish(_ u: Upstream, _ c: Client) {
        c.pointee.upstream = -1
        release(u)
        endRequest(c)
    }

    /// Goes on with a connection that has had its share, after the others.
    mutating func resumeLater(_ side: Side, _ index: Int32) {
        guard let worker = worker?.takeUnretainedValue() else { return }
        let registration = side == .client ? clients[index].pointee.registration : upstreams[index].pointee.registration
        loop.execute {
            worker.core.pointee.resume(side, index, registration)
        }
    }

    mutating func resume(_ side: Side, _ index: Int32, _ registration: LoopRegistration?) {
        updateTime()
        if side == .client {
            let c = clients[index]
            if c.pointee.registration == registration { proceed(c) }
        } else {
            let u = upstreams[index]
            guard u.pointee.registration == registration else { return }
            upstreamReady(u, .readable)
        }
    }
}
