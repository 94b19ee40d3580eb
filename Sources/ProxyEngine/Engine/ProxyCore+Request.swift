internal import Glibc
internal import NetworkTypes
internal import Transport

// From the bytes of a request to an upstream that is asked.
extension ProxyCore {
    enum Taken {
        /// More bytes are needed; nothing was consumed.
        case incomplete
        /// The request was dispatched or answered, or the connection ended.
        case done
    }

    /// Parses one request at the front of `bytes` and dispatches it. Bytes behind it are kept in the client's input.
    ///
    /// - Parameter isOwn: the bytes are the client's input buffer.
    mutating func takeRequest(_ c: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, isOwn: Bool) -> Taken {
        let window = UnsafeRawBufferPointer(start: bytes, count: count)
        switch requestHead.pointee.parse(window, limits: HTTP1HeadLimits(headBytes: limits.maxHeadBytes)) {
        case .incomplete:
            if count < limits.maxHeadBytes { return .incomplete }
            refuse(c, memchr(bytes, 0x0A, count) == nil ? 414 : 431)
            return .done
        case .invalid(.unsupportedVersion)
        where c.pointee.requestsServed == 0 && c.pointee.carrier.isNone && Self.isHTTP2Preface(bytes, count):
            beginHTTP2(c, bytes, count)
            return .done
        case .invalid(let violation):
            let isLine = violation == .headTooLarge && memchr(bytes, 0x0A, limits.maxHeadBytes) == nil
            refuse(c, isLine ? 414 : Int32(violation.status))
            return .done
        case .complete: break
        }
        c.pointee.requestsServed += 1
        if c.pointee.requestsServed == 1, c.pointee.carrier.isNone { proved(c) }
        let x = beginExchange(c)
        let head = RequestHead(requestHead, bytes)
        x.pointee.flags = flags(of: head, c)
        if !c.pointee.carrier.isNone, isGRPC(bytes) { x.pointee.flags.insert(.grpc) }
        if accessLog != nil { remember(x, bytes, requestHead.pointee.byteCount) }
        if head.refusal != 0 || Int(requestHead.pointee.target.count) > limits.maxTargetBytes {
            refuse(c, head.refusal != 0 ? head.refusal : 414)
            return .done
        }
        guard let match = route(head, bytes) else {
            refuse(c, 400)
            return .done
        }
        x.pointee.routeCounter = match.route >= 0 ? routeCounter(match.route) : .none

        let headCount = requestHead.pointee.byteCount
        let rest = bytes + headCount
        let restCount = count - headCount
        x.pointee.body = MessageBody(requestHead.pointee.framing)
        let chain = match.filters < 0 ? nil : configuration?.table.filters[Int(match.filters)]
        x.pointee.maxBodyBytes = maxBodyBytes(chain)
        if chain?.externalAuthentication != nil { x.pointee.flags.insert(.dropsTrailers) }
        if x.pointee.body.kind == .length, x.pointee.body.remaining > x.pointee.maxBodyBytes {
            answer(x, 413)
            return .done
        }
        let upstream = match.canary < 0 ? match.upstream : shared(match, bytes)
        let target = upstream >= 0 ? directory.state(at: upstream) : nil
        if target?.pointee.isMultiplexed ?? false {
            x.pointee.flags.insert(.multiplexed)
            if x.pointee.body.kind == .chunked { x.pointee.flags.insert(.unchunksRequest) }
        }
        if target?.pointee.balancing == .hash { x.pointee.key = key(upstream, c, head, bytes) }
        if let target, target.pointee.affinity != .none, let affinity = directory.affinity(of: target.handle) {
            x.pointee.session = SessionCookie.read(affinity, requestHead, bytes)
            if affinity.saysSameSiteNoneWhereKnown, !SameSite.knowsNone(requestHead, bytes) {
                x.pointee.flags.insert(.misreadsSameSite)
            }
        }
        let step = advanceUpload(x, rest, restCount)
        if step.isMalformed || x.pointee.body.chunkedContentBytes > x.pointee.maxBodyBytes {
            x.pointee.flags.remove(.keepAlive)
            answer(x, step.isMalformed ? 400 : 413)
            return .done
        }
        keepTrailers(of: x, rest, step)
        let rule = certificateRule(match)
        var reply: OwnReply?
        var password: OpenPassword?
        var question: OpenQuestion?
        if target != nil {
            if let chain {
                reply = filter(x, c, chain, head, bytes, hostRedirects: match.redirectsToHTTPS)
            } else if match.redirectsToHTTPS, mustRedirect(c, head, bytes) {
                reply = OwnReply(status: 308, location: writeRedirect(head, bytes))
            }
            if reply == nil, let chain, chain.authenticates(c.pointee.address.ip) {
                if let basic = chain.basicAuthentication {
                    switch judge(basic, x, bytes) {
                    case .admitted: break
                    case .refused(let refusal): reply = refusal
                    case .open(let open): password = open
                    }
                }
                if reply == nil, let external = chain.externalAuthentication {
                    switch prepare(external, c, head, bytes, certificateLines(c, rule)) {
                    case .ready(let open): question = open
                    case .refused(let status): reply = OwnReply(status: status)
                    }
                }
            }
            if reply == nil {
                var rewritten = RewrittenTarget()
                let refusal = match.rewrite >= 0 ? rewrite(match, bytes, to: &rewritten) : 0
                if refusal == 0 {
                    writeRequest(
                        x, c, head, bytes, rest, step, rewritten, chain, certificateLines(c, rule))
                } else {
                    reply = OwnReply(status: refusal)
                }
                buffers.release(&rewritten.bytes)
            }
        }

        if isOwn {
            c.pointee.input.start += headCount + step.consumed
            c.pointee.scanned = 0
        } else {
            keepInput(c, rest + step.consumed, restCount - step.consumed)
        }
        // Who shows nothing is told so first; where TLS is missing, the way to it.
        if let rule, c.pointee.isSecure || reply == nil, isRefused(x, c, by: rule) {
            if var reply { buffers.release(&reply.location) }
            return .done
        }
        guard let target else {
            answer(x, statusWithoutUpstream(match))
            return .done
        }
        if var reply {
            let isTooLong = reply.location.count > 2 * limits.maxTargetBytes
            answer(x, isTooLong ? 414 : reply.status, location: isTooLong ? nil : reply.location)
            buffers.release(&reply.location)
        } else if !c.pointee.carrier.isNone, x.pointee.flags.isSuperset(of: [.upgrade, .multiplexed]) {
            // Without its upgrade it would be another request, whose answer the client would take for the beginning of a tunnel.
            answer(x, 501)
        } else if let password, let rule = chain?.basicAuthentication {
            wait(for: password, rule, x, c, target, then: question)
        } else if let question {
            ask(question, x, c, target, under: configuration)
        } else {
            dispatch(x, c, target)
        }
        return .done
    }

    private func statusWithoutUpstream(_ match: RoutingTable.Match) -> Int32 {
        if configuration?.isProvisional ?? true { return ErrorPage.notReady }
        return switch match.upstream {
        case RoutingTable.Match.closed: 503
        case RoutingTable.Match.tooLong: 414
        default: 404
        }
    }

    /// Takes note of more of the request's body, which becomes what the upstream is to get of it.
    @inline(__always)
    private mutating func advanceUpload(
        _ x: ExchangeReference, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) -> MessageBody.Step {
        x.pointee.flags.contains(.unchunksRequest)
            ? x.pointee.body.advanceRemovingFraming(bytes, count) : x.pointee.body.advance(bytes, count)
    }

    /// Takes note of what came of the request's trailer section.
    @inline(__always)
    private mutating func keepTrailers(of x: ExchangeReference, _ bytes: UnsafePointer<UInt8>, _ step: MessageBody.Step)
    {
        if step.trailers.isEmpty || x.pointee.flags.contains(.dropsTrailers) { return }
        keepTrailers(&x.pointee.trailers, bytes, step.trailers, isLast: x.pointee.body.isComplete, of: .request)
    }

    /// Adds to a trailer section; when it is whole, what may be passed on of it takes its place.
    mutating func keepTrailers(
        _ kept: inout ByteBuffer, _ bytes: UnsafePointer<UInt8>, _ range: Range<Int>, isLast: Bool,
        of side: TrailerSection.Side
    ) {
        // Mostly it is an empty line.
        if isLast, kept.isEmpty, range.count == 2 { return }
        buffers.reserve(range.count, in: &kept)
        kept.append(bytes + range.lowerBound, range.count)
        guard isLast else { return }
        var lines = ByteBuffer()
        TrailerSection.copy(kept.bytes, kept.count, of: side, to: &lines, &buffers)
        buffers.release(&kept)
        kept = lines
    }

    /// A request has come, understood or not.
    mutating func beginExchange(_ c: Client) -> ExchangeReference {
        let x = exchanges.take()
        x.pointee.client = c.handle
        x.pointee.startedAt = loop.now.nanoseconds
        c.pointee.exchange = x.handle
        c.pointee.phase = .exchanging
        return x
    }

    /// Keeps a request's head for the log, until the one that goes upstream takes its place.
    private mutating func remember(_ x: ExchangeReference, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        x.pointee.request = buffers.take(count)
        x.pointee.request.append(bytes, count)
    }

    /// - Parameter chain: of the request's route.
    private func maxBodyBytes(_ chain: FilterChain?) -> Int {
        guard let most = chain?.maxBodyBytes else { return limits.maxBodyBytes }
        return most == 0 ? .max : most
    }

    private func flags(of head: RequestHead, _ c: Client) -> RequestFlags {
        var flags = RequestFlags()
        if requestHead.pointee.keepsAlive, c.pointee.requestsServed < limits.maxRequestsPerConnection {
            flags.insert(.keepAlive)
        }
        if requestHead.pointee.minorVersion == 0 { flags.insert(.http10) }
        if requestHead.pointee.expectsContinue { flags.insert(.expectsContinue) }
        if head.isHead { flags.insert(.head) }
        if head.isIdempotent { flags.insert(.idempotent) }
        if head.wantsUpgrade { flags.insert(.upgrade) }
        return flags
    }

    /// Whether the content of the request in `requestHead` is gRPC's: `application/grpc`, or that with a suffix.
    private func isGRPC(_ bytes: UnsafePointer<UInt8>) -> Bool {
        for index in 0..<requestHead.pointee.fields.count {
            let field = requestHead.pointee.fields[index]
            guard field.kind == .other, field.name.count == 12,
                RequestHead.equals(bytes + Int(field.name.start), "content-type")
            else { continue }
            let value = bytes + Int(field.value.start)
            guard field.value.count >= 16, memcmp(value, "application/grpc", 16) == 0 else { return false }
            return field.value.count == 16 || value[16] == 0x2B || value[16] == 0x3B
        }
        return false
    }

    /// nil when the path cannot be normalised.
    private mutating func route(_ head: RequestHead, _ bytes: UnsafePointer<UInt8>) -> RoutingTable.Match? {
        let none = RoutingTable.Match(upstream: -1, route: -1, host: -1, redirectsToHTTPS: false)
        guard let table = configuration?.table else { return none }
        let host = bytes + Int(requestHead.pointee.authority.start)
        guard let path = normalPath(bytes), let base = path.baseAddress else { return nil }
        return table.match(host: host, head.hostNameCount, path: base, path.count)
    }

    /// The upstream for the request in `requestHead`, of a route with a canary.
    private mutating func shared(_ match: RoutingTable.Match, _ bytes: UnsafePointer<UInt8>) -> Int32 {
        guard let canary = configuration?.table.canaries[Int(match.canary)] else { return match.upstream }
        let taking = directory.state(at: canary.upstream)
        if taking.pointee.endpointCount == 0 { return match.upstream }
        var session: UInt64 = 0
        if let affinity = directory.affinity(of: directory.state(at: match.upstream).handle) {
            session = SessionCookie.read(affinity, requestHead, bytes)
        }
        let isTaken = canary.rule.takes(
            requestHead, bytes, pattern: canary.pattern, session: session,
            keepsSessions: taking.pointee.affinity != .none, drawn: nextRandom())
        return isTaken ? canary.upstream : match.upstream
    }

    /// What the endpoint for the request in `requestHead` is chosen by.
    private func key(_ upstream: Int32, _ c: Client, _ head: RequestHead, _ bytes: UnsafePointer<UInt8>) -> UInt64 {
        guard let keys = configuration?.hashKeys, let key = keys[Int(upstream)] else { return 0 }
        let isTLS = c.pointee.isSecure
        return withUnsafePointer(to: c.pointee.addressText) { text in
            text.withMemoryRebound(to: UInt8.self, capacity: 46) { text in
                key.read(
                    requestHead, bytes,
                    HashKey.Sender(
                        address: UnsafeBufferPointer(start: text, count: Int(c.pointee.addressCount)), isTLS: isTLS,
                        hostNameCount: head.hostNameCount))
            }
        }
    }

    private func routeCounter(_ route: Int32) -> Handle<Party.Routes> {
        guard let counters = configuration?.routeCounters, Int(route) < counters.count else { return .none }
        return counters[Int(route)]
    }

    /// Builds the request for the upstream, with what is there of the body, in the exchange's buffer.
    private mutating func writeRequest(
        _ x: ExchangeReference, _ c: Client, _ head: RequestHead, _ bytes: UnsafePointer<UInt8>,
        _ body: UnsafePointer<UInt8>, _ step: MessageBody.Step, _ rewritten: RewrittenTarget, _ chain: FilterChain?,
        _ certificate: [UInt8]
    ) {
        let host = chain?.upstreamHost
        // The password is for the proxy, as in ingress-nginx.
        let hidesAuthorization = chain?.basicAuthentication != nil
        let added = rewritten.bytes.count + (host?.count ?? 0) + certificate.count
        let bound = head.writtenBound(requestHead) + added + step.forward + x.pointee.trailers.count + 2
        if rewritten.targetCount > 0 { rememberLine(x) }
        buffers.release(&x.pointee.request)
        x.pointee.request = buffers.take(bound)
        guard let destination = x.pointee.request.base else { return }
        let listener = listeners[Int(c.pointee.listener)]
        let high = nextRandom()
        let low = nextRandom()
        let trusts = configuration?.trustsForwarded ?? false
        let isTLS = c.pointee.isSecure
        let parsed = UnsafePointer(requestHead)
        var written = withUnsafePointer(to: c.pointee.addressText) { text in
            text.withMemoryRebound(to: UInt8.self, capacity: 46) { text in
                head.write(
                    parsed, bytes,
                    RequestHead.Origin(
                        address: text, addressCount: Int(c.pointee.addressCount), port: listener.port,
                        isTLS: isTLS, trustsForwarded: trusts, randomHigh: high, randomLow: low,
                        hidesAuthorization: hidesAuthorization, hidden: chain?.externalAuthentication,
                        certificate: certificate),
                    rewritten, host: host, to: destination)
            }
        }
        memcpy(destination + written, body, step.forward)
        written += step.forward
        if step.needsFinalCRLF {
            if !x.pointee.trailers.isEmpty {
                memcpy(destination + written, x.pointee.trailers.bytes, x.pointee.trailers.count)
                written += x.pointee.trailers.count
                buffers.release(&x.pointee.trailers)
            }
            destination[written] = 0x0D
            destination[written + 1] = 0x0A
            written += 2
        }
        x.pointee.request.end = written
        x.pointee.upload = Int64(written)
    }

    /// Makes the first attempt at an upstream, or waits for it.
    mutating func dispatch(_ x: ExchangeReference, _ c: Client, _ state: UpstreamDirectory.State) {
        directory.beginExchange(on: state)
        x.pointee.target = state.handle
        if state.pointee.endpointCount == 0 { return fail(x, .noEndpoint) }
        if directory.mustWait(state, now: loop.now.nanoseconds) { return wait(x, c, state) }
        start(x, c)
    }

    /// Makes the first attempt for a request whose upstream may be asked.
    mutating func start(_ x: ExchangeReference, _ c: Client) {
        if x.pointee.flags.contains(.expectsContinue), !x.pointee.body.isComplete {
            // The proxy vouches for the upstream, as nginx does: the decision to take the body is made here.
            let text: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
            if !c.pointee.carrier.isNone {
                continueOnStream(c)
            } else {
                guard send(x, c, text.utf8Start, text.utf8CodeUnitCount) else { return }
            }
        }
        if x.pointee.body.isComplete {
            suspendTimer(client: c)
        } else {
            awaitBody(x, c)
        }
        attempt(x)
    }

    /// Sends the request to one of the endpoints, of those that have not failed it.
    mutating func attempt(_ x: ExchangeReference) {
        if x.pointee.attempts > 0 { x.pointee.tried.insert(x.pointee.endpoint) }
        let now = loop.now.nanoseconds
        let target = directory[x.pointee.target]
        let endpoint: Handle<Party.Endpoints>
        if target.pointee.affinity == .none {
            endpoint = directory.choose(for: target, key: x.pointee.key, tried: x.pointee.tried, now: now)
        } else {
            var session = UpstreamDirectory.Session(
                value: x.pointee.session, isNew: x.pointee.flags.contains(.newSession))
            endpoint = directory.choose(
                for: target, session: &session, key: x.pointee.key, tried: x.pointee.tried, now: now)
            x.pointee.session = session.value
            if session.isNew { x.pointee.flags.insert(.newSession) }
        }
        x.pointee.attemptedAt = now
        if endpoint.isNone { return fail(x, target.pointee.endpointCount > 0 ? .overloaded : .noEndpoint) }
        x.pointee.attempts += 1
        x.pointee.endpoint = endpoint
        connect(x, endpoint, mayReuse: true)
    }

    // MARK: The rest of the body

    /// Ends a chunked body that was passed on up to its trailer section.
    private mutating func sendTrailers(_ u: Upstream, _ x: ExchangeReference) -> Bool {
        let end: StaticString = "\r\n"
        var lines = x.pointee.trailers
        x.pointee.trailers = ByteBuffer()
        buffers.reserve(2, in: &lines)
        lines.append(end.utf8Start, 2)
        x.pointee.upload += Int64(lines.count - 2)
        let isSent = send(u, lines.bytes, lines.count)
        buffers.release(&lines)
        return isSent
    }

    /// The longest request whose content is kept until it is answered, and what a loop's buffers may hold for that.
    private static var maxKeptBytes: Int { 64 << 10 }
    private static var maxBufferedBytes: Int { 64 << 20 }

    /// Whether content that goes to an upstream is kept as well, in case it must be sent again: with HTTP/2 a request may be
    /// refused by GOAWAY when part of it is out already.
    @inline(__always)
    private func mayKeep(_ count: Int, of x: ExchangeReference, for u: Upstream) -> Bool {
        x.pointee.flags.contains(.multiplexed) && !x.pointee.flags.contains(.streamedBody) && !u.pointee.hasHead
            && x.pointee.request.base != nil && x.pointee.request.count + count <= Self.maxKeptBytes
            && buffers.bytesInUse < Self.maxBufferedBytes
    }

    /// What was kept of the content serves nobody any more; the head does, for the log.
    private mutating func forgetContent(_ x: ExchangeReference) {
        guard let base = x.pointee.request.base, x.pointee.request.count > Self.largeRequest else { return }
        var head = ByteBuffer()
        if accessLog != nil {
            var count = 4
            while count < x.pointee.request.end, memcmp(base + count - 4, "\r\n\r\n", 4) != 0 { count += 1 }
            head = buffers.take(count)
            head.append(base, count)
        }
        buffers.release(&x.pointee.request)
        x.pointee.request = head
        x.pointee.requestSent = head.end
    }

    /// Below it nothing is gained.
    private static var largeRequest: Int { 4096 }

    /// Passes on what the client sends of its request body while the upstream takes it.
    mutating func pumpUpload(_ x: ExchangeReference) {
        guard !x.pointee.upstream.isNone else { return }
        let u = pool.connections[x.pointee.upstream]
        let c = clients[x.pointee.client]
        var rounds = 0
        while x.isLive, !x.pointee.body.isComplete {
            guard u.isLive, u.pointee.phase == .active, x.pointee.isRequestSent, u.pointee.output.isEmpty else {
                return
            }
            var bytes = scratch + Self.headroom
            var count = 0
            let isOwn = !c.pointee.input.isEmpty
            if isOwn {
                bytes = c.pointee.input.bytes
                count = c.pointee.input.count
            } else {
                guard c.pointee.mayRead else { return }
                rounds += 1
                if rounds > 16 { return resumeLater(c) }
                guard let received = receive(c, bytes, Self.readSize) else { return }
                count = received
            }
            let step = advanceUpload(x, bytes, count)
            if step.isMalformed || x.pointee.body.chunkedContentBytes > x.pointee.maxBodyBytes {
                if x.pointee.phase == .responding { return abandon(x) }
                detachUpstream(x)
                x.pointee.flags.remove(.keepAlive)
                return answer(x, step.isMalformed ? 400 : 413)
            }
            if isOwn {
                c.pointee.input.start += step.consumed
            } else {
                keepInput(c, bytes + step.consumed, count - step.consumed)
            }
            keepTrailers(of: x, bytes, step)
            if mayKeep(step.forward, of: x, for: u) {
                buffers.reserve(step.forward, in: &x.pointee.request)
                x.pointee.request.append(bytes, step.forward)
                x.pointee.requestSent = x.pointee.request.end
            } else if !x.pointee.flags.contains(.streamedBody) {
                x.pointee.flags.insert(.streamedBody)
                forgetContent(x)
            }
            x.pointee.upload += Int64(step.forward)
            if x.pointee.body.isComplete {
                suspendTimer(client: c)
            } else {
                awaitBody(x, c, after: step.consumed)
            }
            setTimer(upstream: u, u.pointee.responseTicks)
            guard send(u, bytes, step.forward) else { return }
            if x.pointee.body.isComplete, !u.pointee.carrier.isNone { endRequestStream(u, x) }
            if step.needsFinalCRLF {
                guard sendTrailers(u, x) else { return }
            }
            if isOwn, c.pointee.input.isEmpty {
                buffers.release(&c.pointee.input)
                if !c.pointee.carrier.isNone { acknowledgeInput(c) }
            }
        }
    }
}
