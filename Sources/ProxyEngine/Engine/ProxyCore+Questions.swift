internal import Glibc
internal import NetworkTypes
internal import Transport

// Requests about which a service is asked. The question is an exchange too, of a client that has no socket
// (``ClientConnection/asker``): it goes through all that a request goes through on its way to an upstream, and what comes back
// ends it. The request waits for it, ready to be sent.
extension ProxyCore {
    /// A question that is to be asked.
    struct OpenQuestion: Sendable {
        var rule: ExternalAuthentication
        var text: [UInt8]
        /// Where to sign in.
        var signIn: [UInt8]?
    }

    /// A question that was asked.
    struct Question {
        var asker: Handle<Party.Exchanges>
        /// Where the request is to go.
        var target: Handle<Party.Targets>
        var open: OpenQuestion
        /// By which the request came.
        var configuration: CompiledConfiguration?
    }

    enum Preparation {
        case ready(OpenQuestion)
        case refused(Int32)
    }

    /// How long an answer is waited for.
    private static var patience: Duration { .seconds(10) }

    /// Makes the question about the request in `requestHead`, whose bytes are there only now.
    mutating func prepare(
        _ rule: ExternalAuthentication, _ c: Client, _ head: RequestHead, _ bytes: UnsafePointer<UInt8>,
        _ certificate: [UInt8]
    ) -> Preparation {
        if rule.upstream == nil { return .refused(503) }
        // A question about a question would go on for ever.
        if head.isQuestion(bytes, requestHead) { return .refused(500) }
        let isTLS = isHTTPS(c, bytes)
        let parsed = UnsafePointer(requestHead)
        let port = listeners[Int(c.pointee.listener)].port
        let most = limits.maxTargetBytes + 4096
        return withUnsafePointer(to: c.pointee.addressText) { text in
            text.withMemoryRebound(to: UInt8.self, capacity: 46) { text in
                let count = Int(c.pointee.addressCount)
                let source = RequestText.Source(
                    head: parsed, bytes: bytes, clientAddress: RequestValue.Bytes(start: text, count: count),
                    hostNameCount: head.hostNameCount, isTLS: isTLS)
                let origin = RequestHead.Origin(
                    address: text, addressCount: count, port: port, isTLS: isTLS, trustsForwarded: false, randomHigh: 0,
                    randomLow: 0, certificate: certificate)
                guard let question = head.question(rule, source, origin, most: most) else { return .refused(414) }
                var open = OpenQuestion(rule: rule, text: question)
                if let signIn = rule.signIn {
                    var location: [UInt8] = []
                    guard signIn.write(source, .url, to: &location, most: 3 * most) else { return .refused(414) }
                    open.signIn = location
                }
                return .ready(open)
            }
        }
    }

    /// Asks about a request, which waits.
    ///
    /// - Parameter old: the configuration by which the request came.
    mutating func ask(
        _ open: OpenQuestion, _ x: ExchangeReference, _ c: Client, _ target: UpstreamDirectory.State,
        under old: CompiledConfiguration?
    ) {
        // The upstream's place is that of one configuration; in another that has the rule, of that.
        let rule = open.rule
        guard let index = rule.upstream, configuration === old || isUsed(rule) else {
            return answer(x, ErrorPage.notReady)
        }
        let state = directory.state(at: Int32(index))
        if state.pointee.isMultiplexed { return answer(x, 503) }
        let q = clients.take()
        streamCount += 1
        q.pointee.asker = x.handle
        q.pointee.listener = c.pointee.listener
        q.pointee.address = c.pointee.address
        q.pointee.addressText = c.pointee.addressText
        q.pointee.addressCount = c.pointee.addressCount
        q.pointee.isSecure = c.pointee.isSecure
        let y = beginExchange(q)
        y.pointee.flags = [.keepAlive, .idempotent]
        if rule.method == Array("HEAD".utf8) { y.pointee.flags.insert(.head) }
        y.pointee.request = buffers.take(open.text.count)
        open.text.withUnsafeBufferPointer { text in
            if let base = text.baseAddress { y.pointee.request.append(base, text.count) }
        }
        questions[q.handle.packed] = Question(
            asker: x.handle, target: target.handle, open: open, configuration: configuration)
        x.pointee.question = q.handle
        x.pointee.flags.insert(.asking)
        setTimer(client: c, CoreLimits.ticks(Self.patience))
        dispatch(y, q, state)
    }

    /// Takes the answer whose head is in `responseHead`.
    ///
    /// - Parameter bytes: the head, and `count` bytes of what is there of the answer.
    mutating func answered(
        _ u: Upstream, _ y: ExchangeReference, _ q: Client, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int
    ) {
        var verdict = AccessVerdict.failed
        if let question = questions[q.handle.packed] {
            verdict = AccessVerdict(responseHead, bytes, question.open.rule, most: limits.maxHeadBytes / 2)
        }
        // An answer that is all there leaves its connection to others; the rest of another one is worth nothing.
        let headCount = responseHead.pointee.byteCount
        u.pointee.body = MessageBody.response(responseHead.pointee.framing)
        let step = u.pointee.body.advance(bytes + headCount, count - headCount)
        if responseHead.pointee.keepsAlive, y.pointee.isRequestSent, u.pointee.body.isComplete, !step.isMalformed,
            step.consumed == count - headCount
        {
            u.pointee.isReusable = true
            y.pointee.upstream = .none
            release(u)
        } else {
            detachUpstream(y)
        }
        endQuestion(q, verdict)
    }

    /// A question ends without an answer.
    mutating func questionFailed(_ q: Client) { endQuestion(q, .failed) }

    /// Nobody waits for the answer any more.
    mutating func withdraw(_ handle: Handle<Party.Clients>) {
        guard let q = clients.resolve(handle) else { return }
        questions[handle.packed] = nil
        closeQuestion(q)
    }

    /// The verdict comes after the event at hand, which may be at work on what it is about.
    private mutating func endQuestion(_ q: Client, _ verdict: AccessVerdict) {
        let question = questions.removeValue(forKey: q.handle.packed)
        closeQuestion(q)
        guard let question, let worker = worker?.takeUnretainedValue() else { return }
        if let x = exchanges.resolve(question.asker) { x.pointee.question = .none }
        loop.execute {
            worker.core.pointee.updateTime()
            worker.core.pointee.judged(question, verdict)
        }
    }

    private mutating func closeQuestion(_ q: Client) {
        let y = exchanges[q.pointee.exchange]
        detachUpstream(y)
        if !y.pointee.target.isNone {
            if directory.waiting > 0 { leaveLine(y) }
            directory.endExchange(y.pointee.target)
            y.pointee.target = .none
        }
        drop(y, q)
        clearTimer(client: q)
        streamCount -= 1
        clients.release(q)
    }

    private mutating func judged(_ question: Question, _ verdict: AccessVerdict) {
        guard let x = exchanges.resolve(question.asker), x.pointee.flags.contains(.asking) else { return }
        x.pointee.flags.remove(.asking)
        let client = x.pointee.client
        let c = clients[client]
        suspendTimer(client: c)
        if !verdict.responseLines.isEmpty { tell(verdict.responseLines, x) }
        switch verdict.word {
        case .admitted:
            guard configuration === question.configuration || isUsed(question.open.rule),
                let state = directory.resolve(question.target)
            else {
                // Who may come is another matter since.
                answer(x, ErrorPage.notReady)
                break
            }
            addRequestLines(verdict.requestLines, x)
            dispatch(x, c, state)
        case .unknown:
            if let signIn = question.open.signIn {
                var location = buffers.take(signIn.count)
                signIn.withUnsafeBufferPointer { text in
                    if let base = text.baseAddress { location.append(base, text.count) }
                }
                answer(x, 302, location: location)
                buffers.release(&location)
            } else {
                if !verdict.challenges.isEmpty { tell(verdict.challenges, x) }
                answer(x, 401)
            }
        case .forbidden: answer(x, 403)
        case .failed: answer(x, 500)
        }
        continueClient(client)
    }

    /// Whether some route asks the same of the same.
    private func isUsed(_ rule: ExternalAuthentication) -> Bool {
        configuration?.table.filters.contains { $0.externalAuthentication == rule } ?? false
    }

    private mutating func tell(_ lines: [UInt8], _ x: ExchangeReference) {
        buffers.reserve(lines.count, in: &x.pointee.responseFields)
        lines.withUnsafeBufferPointer { lines in
            if let base = lines.baseAddress { x.pointee.responseFields.append(base, lines.count) }
        }
    }

    /// Puts lines behind the first one of a request that is ready to be sent.
    private mutating func addRequestLines(_ lines: [UInt8], _ x: ExchangeReference) {
        guard !lines.isEmpty, let base = x.pointee.request.base,
            let end = memchr(base, 0x0A, x.pointee.request.end)
        else { return }
        let first = UnsafeRawPointer(end) - UnsafeRawPointer(base) + 1
        var longer = buffers.take(x.pointee.request.end + lines.count)
        longer.append(base, first)
        lines.withUnsafeBufferPointer { lines in
            if let start = lines.baseAddress { longer.append(start, lines.count) }
        }
        longer.append(base + first, x.pointee.request.end - first)
        buffers.release(&x.pointee.request)
        x.pointee.request = longer
        x.pointee.upload += Int64(lines.count)
    }
}
