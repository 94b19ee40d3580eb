internal import Glibc
internal import Transport

// From the upstream's bytes to the client.
extension ProxyCore {
    /// Reads and forwards a response while there is something to read and the client takes it.
    mutating func readResponse(_ u: Upstream) {
        if !u.pointee.carrier.isNone { return pumpStreamDown(u) }
        var rounds = 0
        while u.isLive, u.pointee.phase == .active, u.pointee.mayRead {
            let x = exchanges[u.pointee.exchange]
            let c = clients[x.pointee.client]
            // Backpressure: go on when the client has taken what it has.
            if !c.pointee.output.isEmpty { return }
            rounds += 1
            if rounds > 16 { return resumeLater(u) }
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
                u.pointee.noteRead(count, of: room)
                u.pointee.hasAnswered = true
                setTimer(upstream: u, u.pointee.responseTicks)
                if isPartial {
                    u.pointee.input.end += count
                    deliverPartial(u, x, c)
                } else if u.pointee.hasHead {
                    forwardBody(u, x, c, bytes, count, headCount: 0)
                } else {
                    deliver(u, x, c, bytes, count)
                }
            case .wouldBlock: u.pointee.mayRead = false
            case .closed: return ended(u, x, c)
            case .failed:
                // Reset, say: whatever was to come has not.
                u.pointee.mayRead = false
                u.pointee.peerClosed = true
                return lost(u, x, .broken)
            }
        }
    }

    /// The upstream's end of stream.
    mutating func ended(_ u: Upstream, _ x: ExchangeReference, _ c: Client) {
        u.pointee.mayRead = false
        u.pointee.peerClosed = true
        u.pointee.body.endOfStream()
        guard u.pointee.hasHead, u.pointee.body.isComplete else { return lost(u, x, .broken) }
        if x.pointee.flags.contains(.chunksResponse) {
            guard sendLastChunk(u, x, c) else { return }
        }
        finish(u, x, c)
    }

    /// The end of a body that we frame in chunks, with the trailers that the upstream has sent.
    private mutating func sendLastChunk(_ u: Upstream, _ x: ExchangeReference, _ c: Client) -> Bool {
        let end: StaticString = "0\r\n\r\n"
        guard !u.pointee.trailers.isEmpty else { return send(x, c, end.utf8Start, end.utf8CodeUnitCount) }
        return sendTrailers(u, x, c, behind: "0\r\n")
    }

    /// Sends the upstream's trailers, and the end of the body, in one piece.
    private mutating func sendTrailers(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, behind start: StaticString
    ) -> Bool {
        let end: StaticString = "\r\n"
        var section = buffers.take(start.utf8CodeUnitCount + u.pointee.trailers.count + 2)
        section.append(start.utf8Start, start.utf8CodeUnitCount)
        section.append(u.pointee.trailers.bytes, u.pointee.trailers.count)
        section.append(end.utf8Start, 2)
        let isSent = send(x, c, section.bytes, section.count)
        buffers.release(&section)
        return isSent
    }

    /// Takes a response head (or several, with 1xx) from a buffer of the connection's own.
    private mutating func deliverPartial(_ u: Upstream, _ x: ExchangeReference, _ c: Client) {
        var whole = u.pointee.input
        u.pointee.input = ByteBuffer()
        deliver(u, x, c, whole.bytes, whole.count)
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
    mutating func deliver(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        var bytes = bytes
        var count = count
        while true {
            let window = UnsafeRawBufferPointer(start: bytes, count: count)
            let parsed = responseHead.pointee.parse(
                window, toHead: x.pointee.flags.contains(.head),
                limits: HTTP1HeadLimits(headBytes: limits.maxHeadBytes))
            switch parsed {
            case .incomplete:
                if count >= limits.maxHeadBytes { return lost(u, x, .malformed) }
                return keepResponse(u, bytes, count)
            case .invalid: return lost(u, x, .malformed)
            case .complete: break
            }
            let status = Int32(responseHead.pointee.status)
            // What is written takes the place of what came, and of the room in front of it.
            let growth = ResponseHead.growth(responseHead) + x.pointee.responseFields.count
            if growth > Self.headroom - Self.chunkPrefixBound {
                return lost(u, x, .malformed)
            }
            let headCount = responseHead.pointee.byteCount
            if status == 101 { return switchProtocols(u, x, c, bytes, count) }
            if status < 200 {
                // 100 was answered by the proxy itself; others (102, 103) go to clients that know them.
                if !c.pointee.asker.isNone {
                    // Nobody is there who would want to know.
                } else if status != 100, !c.pointee.carrier.isNone {
                    respondOnStream(c, bytes, hasContent: false)
                } else if status != 100, !x.pointee.flags.contains(.http10) {
                    let length = ResponseHead.write(
                        responseHead, bytes, framing: .asIs, connection: .implied, date: currentDate(), to: headScratch)
                    guard send(x, c, headScratch, length) else { return }
                }
                bytes += headCount
                count -= headCount
                if count == 0 { return }
                continue
            }
            return begin(u, x, c, bytes, count)
        }
    }

    /// A final response head is there: sends it, with what there is of the body.
    private mutating func begin(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        if !x.pointee.target.isNone {
            let retry = directory[x.pointee.target].pointee.retry
            if !retry.conditions.isDisjoint(with: .of(status: Int32(responseHead.pointee.status))),
                retryStatus(u, x, bytes, count)
            {
                return
            }
        }
        u.pointee.hasHead = true
        if !x.pointee.target.isNone {
            directory.succeeded(
                x.pointee.endpoint, of: directory[x.pointee.target], since: x.pointee.attemptedAt,
                now: loop.now.nanoseconds)
        }
        if !c.pointee.asker.isNone { return answered(u, x, c, bytes, count) }
        u.pointee.body = MessageBody.response(responseHead.pointee.framing)
        u.pointee.isReusable =
            responseHead.pointee.keepsAlive && x.pointee.body.isComplete
            && x.pointee.isRequestSent
        x.pointee.status = Int32(responseHead.pointee.status)
        // The request will not be sent again. With an access log its first line is still wanted.
        if accessLog == nil, x.pointee.isRequestSent {
            buffers.release(&x.pointee.request)
            x.pointee.requestSent = 0
        }
        if !c.pointee.carrier.isNone { return beginOnStream(u, x, c, bytes, count) }
        var framing = ResponseHead.Framing.asIs
        switch u.pointee.body.kind {
        case .chunked:
            if x.pointee.flags.contains(.http10) {
                x.pointee.flags.insert(.unchunksResponse)
                x.pointee.flags.remove(.keepAlive)
                x.pointee.flags.insert(.endsWithConnection)
                framing = .untilClose
            } else {
                framing = .chunked
            }
        case .untilClose:
            if x.pointee.flags.contains(.http10) {
                x.pointee.flags.remove(.keepAlive)
                x.pointee.flags.insert(.endsWithConnection)
                framing = .untilClose
            } else {
                x.pointee.flags.insert(.chunksResponse)
                framing = .chunked
            }
        case .none, .length: break
        }
        // An answer before the end of the request: the rest of it is not read.
        if !x.pointee.body.isComplete || isDraining { x.pointee.flags.remove(.keepAlive) }
        let connection: ResponseHead.Connection =
            !x.pointee.flags.contains(.keepAlive) ? .close : x.pointee.flags.contains(.http10) ? .keepAlive : .implied
        let headCount = responseHead.pointee.byteCount
        var written = ResponseHead.write(
            responseHead, bytes, framing: framing, connection: connection, date: currentDate(),
            added: x.pointee.responseFields.readable, to: headScratch)
        if x.pointee.flags.contains(.newSession) {
            written = addSessionCookie(x, c, headCount: headCount, written: written)
        }
        forwardBody(u, x, c, bytes + headCount, count - headCount, headCount: written)
    }

    /// Puts the session's cookie at the end of the head in `headScratch`, if there is room for it in front of the body.
    mutating func addSessionCookie(
        _ x: ExchangeReference, _ c: Client, headCount: Int, written: Int
    ) -> Int {
        var line = sessionCookie(x, c)
        defer { buffers.release(&line) }
        guard line.count > 0, written + line.count <= headCount + Self.headroom - Self.chunkPrefixBound else {
            return written
        }
        // In place of the empty line, which follows again.
        let end = headScratch + written - 2
        memcpy(end, line.bytes, line.count)
        end[line.count] = 0x0D
        end[line.count + 1] = 0x0A
        return written + line.count
    }

    /// The line `Set-Cookie: …` for an exchange; the caller releases it.
    mutating func sessionCookie(_ x: ExchangeReference, _ c: Client) -> ByteBuffer {
        guard !x.pointee.target.isNone, x.pointee.session != 0,
            let affinity = directory.affinity(of: x.pointee.target)
        else { return ByteBuffer() }
        var line = buffers.take(SessionCookie.bound(affinity))
        var out = ByteCursor(line.bytes)
        SessionCookie.write(
            affinity, x.pointee.session, isTLS: c.pointee.isSecure,
            knowsSameSiteNone: !x.pointee.flags.contains(.misreadsSameSite), now: time(nil), to: &out)
        line.end = line.start + (out.position - line.bytes)
        return line
    }

    /// As ``begin(_:_:_:_:_:)``, for a stream of HTTP/2: content goes to it without any framing.
    private mutating func beginOnStream(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        if u.pointee.endsWithHead { u.pointee.body = .empty }
        // A tunnel was asked for, and success would open one (RFC 8441 section 5).
        if x.pointee.flags.contains(.upgrade), responseHead.pointee.status < 400 { return lost(u, x, .uncarriable) }
        // HTTP/2 has no transfer codings, so nobody could undo them.
        if responseHead.pointee.fields.isCoded { return lost(u, x, .uncarriable) }
        if u.pointee.body.kind == .chunked { x.pointee.flags.insert(.unchunksResponse) }
        let headCount = responseHead.pointee.byteCount
        forwardBody(u, x, c, bytes + headCount, count - headCount, headCount: 0, streamHead: bytes)
    }

    /// Sends body bytes to the client, framed as it needs them, with a head from `headScratch` in front. A body that
    /// cannot be read while its head has not gone yet makes the answer a 502.
    ///
    /// - Parameter streamHead: the bytes of `responseHead`, where it is to go to a stream of HTTP/2 first.
    /// - Parameter bytes: with enough room in front for the head and a chunk size, and ``tailroom`` behind `count`.
    mutating func forwardBody(
        _ u: Upstream, _ x: ExchangeReference, _ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int,
        headCount: Int, streamHead: UnsafeMutablePointer<UInt8>? = nil
    ) {
        var start = bytes
        let hasContent = !u.pointee.body.isComplete
        let isUnchunked = x.pointee.flags.contains(.unchunksResponse)
        let step =
            isUnchunked
            ? u.pointee.body.advanceRemovingFraming(bytes, count)
            : u.pointee.body.advanceRemovingExtensions(bytes, count)
        var length = step.forward
        let isFirst = headCount > 0 || streamHead != nil
        if step.isMalformed {
            if isFirst { u.pointee.hasHead = false }
            return lost(u, x, .malformed)
        }
        if isFirst { x.pointee.phase = .responding }
        if let streamHead {
            x.pointee.download += Int64(responseHead.pointee.byteCount)
            respondOnStream(c, streamHead, hasContent: hasContent)
        }
        if !step.trailers.isEmpty {
            keepTrailers(
                &u.pointee.trailers, bytes, step.trailers, isLast: u.pointee.body.isComplete, of: .response)
        }
        let hasTrailers = u.pointee.body.isComplete && !u.pointee.trailers.isEmpty
        if !isUnchunked {
            if x.pointee.flags.contains(.chunksResponse), length > 0 {
                let prefix = Self.chunkPrefix(length, before: start)
                (start + length).pointee = 0x0D
                (start + length + 1).pointee = 0x0A
                start -= prefix
                length += prefix + 2
            } else if step.needsFinalCRLF, !hasTrailers {
                // Whatever follows the body on this connection is not looked at, so it may be overwritten.
                (start + length).pointee = 0x0D
                (start + length + 1).pointee = 0x0A
                length += 2
            }
        }
        if headCount > 0 {
            start -= headCount
            memcpy(start, headScratch, headCount)
            length += headCount
        }
        if step.consumed < count { u.pointee.isReusable = false }
        if length > 0, !send(x, c, start, length) { return }
        if hasTrailers, step.needsFinalCRLF {
            guard sendTrailers(u, x, c, behind: "") else { return }
        }
        // A stream's end comes by itself, and trailers before it.
        if u.pointee.body.isComplete, u.pointee.carrier.isNone { finish(u, x, c) }
    }

    /// The longest size line: 16 digits and the line's end.
    private static var chunkPrefixBound: Int { 18 }

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
    private mutating func finish(_ u: Upstream, _ x: ExchangeReference, _ c: Client) {
        x.pointee.upstream = .none
        c.pointee.stream?.pointee.trailers = u.pointee.trailers.copied
        release(u)
        endExchange(x, c)
    }
}
