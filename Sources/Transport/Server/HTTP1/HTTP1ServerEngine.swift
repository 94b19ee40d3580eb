/// HTTP/1.x on one server connection (RFC 9112): one request at a time; pipelined ones wait in `inbound`, so that
/// answers keep their order. The handler has a request from its head on; the body's bytes wait in `inbound` and in the
/// kernel until it asks for them. Loop-confined, like its connection.
///
/// `@unchecked Sendable`: used on its connection's loop only.
final class HTTP1ServerEngine: ServerProtocolEngine, ResponseSink, @unchecked Sendable {
    enum Receiving {
        case head
        case body(remaining: Int)
        case chunkedBody
        /// The connection left HTTP.
        case upgraded(UpgradedInput)
        /// Nothing more is read from this connection.
        case stopped
    }

    /// What becomes of the body that is being received.
    enum BodyUse {
        /// The handler has neither asked for it nor answered.
        case undecided
        case reading(RequestBodyReader)
        /// Skipped, so that the connection can go on: so many bytes more at most.
        case skipping(Int)
    }

    enum Sending {
        /// No request, or its handler has not answered.
        case nothing
        case body(ChunkQueue)
        case compressed(GzipBody)
        case stream(ResponseStreamQueue, HTTP1BodyFraming)
        /// A HEAD request got a stream: its content is dropped.
        case headOnlyStream(ResponseStreamQueue)
        /// Everything of a tunnel's direction was taken, and the peer goes on in the other.
        case ended(ResponseStreamQueue)
    }

    /// Strong: a responder may outlive the connection. The cycle ends when the connection closes.
    let connection: ServerConnection
    private let loop: EventLoop
    var receiving = Receiving.head
    var bodyUse = BodyUse.undecided
    var sending = Sending.nothing
    private var inbound: [UInt8] = []
    private var decoder = HTTP1ChunkedDecoder()
    var exchange: UInt64 = 0
    var hasExchange = false
    weak var responder: HTTPResponder?
    /// Of the exchange: its body's claim lasts until it is answered.
    var reader: RequestBodyReader?
    var onSent: (@Sendable () -> Void)?
    var keepsAlive = true
    var lastVersion = HTTPRequest.Version.http11
    var isHead = false
    /// The client holds the body back until it is told to go on.
    private var awaitsContinue = false
    private var isParsing = false
    var isDraining = false
    var peerEnded = false
    /// ``UpgradedInput/ended`` was called, or nothing more is wanted.
    private(set) var isInputEnded = false
    /// Who takes the bytes of an upgraded connection wants none for now.
    var isInputHeld = false
    static let pieceSize = 64 * 1024
    /// The rest of an unwanted body that is read so that the connection can be used again.
    private static let skipLimit = 64 * 1024

    init(connection: ServerConnection) {
        self.connection = connection
        loop = connection.loop
    }

    var isReadPaused: Bool { isInputHeld || inbound.count >= Self.pieceSize && !canParse }

    var waiting: ServerWait {
        switch receiving {
        case .upgraded(let input): return input.allowsHalfClose ? .tunnel : .application
        case _ where hasExchange: return .application
        case .head: return inbound.isEmpty ? .idle : .head
        case .body, .chunkedBody: return .head
        case .stopped: return .idle
        }
    }

    // MARK: Receiving

    func receive(_ bytes: UnsafeRawBufferPointer) {
        if inbound.isEmpty, canParse {
            let used = parse(bytes)
            if used < bytes.count, canReceive { inbound.append(contentsOf: bytes[used...]) }
        } else if canReceive {
            inbound.append(contentsOf: bytes)
            parseInbound()
        }
    }

    private var canReceive: Bool {
        if case .stopped = receiving { return false }
        return true
    }

    /// Whether the next bytes have somebody to go to.
    private var canParse: Bool {
        switch receiving {
        case .head: return !hasExchange
        case .body, .chunkedBody:
            switch bodyUse {
            case .undecided: return false
            case .reading(let reader): return reader.isAdmitted
            case .skipping: return true
            }
        case .upgraded, .stopped: return true
        }
    }

    private func parseInbound() {
        // A handler that answers at once comes back here while the loop in `parse` runs: that one goes on.
        guard !isParsing, !inbound.isEmpty, canParse else { return }
        let bytes = inbound
        inbound = []
        let used = bytes.withUnsafeBytes { parse($0) }
        guard used < bytes.count, canReceive else { return }
        inbound = used == 0 ? bytes : Array(bytes[used...])
    }

    /// Goes on with what waits in `inbound` and in the kernel, after a change of what bytes are for.
    private func resume() {
        guard !isParsing, !connection.isClosed else { return }
        parseInbound()
        connection.resumeReading()
        if peerEnded, let reader, reader.isOpen, reader.isAdmitted { return connection.close() }
        connection.flush()
    }

    /// Takes what can be taken from the front; returns how many bytes were used.
    private func parse(_ bytes: UnsafeRawBufferPointer) -> Int {
        isParsing = true
        defer { isParsing = false }
        var position = 0
        while position < bytes.count, canParse, !connection.isClosed {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            switch receiving {
            case .stopped: return bytes.count
            case .upgraded(let input):
                if !isInputEnded { input.receive(Array(rest)) }
                return bytes.count
            case .head:
                guard let used = parseHead(rest) else { return position }
                position += used
            case .body(let remaining):
                let count = min(remaining, rest.count)
                position += count
                receiving = .body(remaining: remaining - count)
                take(UnsafeRawBufferPointer(rebasing: rest[..<count]))
                if case .body(0) = receiving { bodyComplete() }
            case .chunkedBody:
                position += parseChunks(rest)
            }
        }
        return position
    }

    /// nil when the head is not complete or not acceptable.
    private func parseHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let limits = HTTP1HeadLimits(headBytes: connection.configuration.maxHeadBytes)
        // On the stack: the loop has no more than one head in hand.
        var head = HTTP1RequestHead()
        switch head.parse(bytes, limits: limits) {
        case .incomplete: return nil
        case .invalid(let violation):
            refuse(violation.status, "\(violation)")
            return nil
        case .complete: break
        }
        // Behind a request for another protocol may come bytes of that protocol: they must not be taken for a request.
        keepsAlive = head.keepsAlive && !head.wantsUpgrade && !isDraining
        lastVersion = head.minorVersion == 0 ? .http10 : .http11
        isHead = head.method.matches("head", in: bytes)
        var request = makeRequest(head, bytes)
        bodyUse = .undecided
        switch head.framing {
        case .none, .untilClose: break
        case .length(let length): receiving = .body(remaining: length)
        case .chunked:
            decoder = HTTP1ChunkedDecoder()
            receiving = .chunkedBody
        }
        request.hasBody = hasUnreadBody
        // With bytes of the body here already there is nobody to be told to send them.
        awaitsContinue = head.expectsContinue && head.byteCount == bytes.count
        exchange += 1
        hasExchange = true
        let responder = HTTPResponder(loop: loop, sink: self, exchange: exchange)
        self.responder = responder
        connection.handle(request, responder)
        return head.byteCount
    }

    private func makeRequest(_ head: borrowing HTTP1RequestHead, _ bytes: UnsafeRawBufferPointer) -> HTTPRequest {
        var headers = HTTPHeaders()
        headers.reserveCapacity(head.fields.count)
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            headers.add(field.name.string(in: bytes), field.value.string(in: bytes))
        }
        var target = head.pathAndQuery.string(in: bytes)
        if head.pathAndQuery.count != head.target.count {
            if !target.utf8.starts(with: "/".utf8) { target = "/" + target }
            headers["Host"] = head.authority.string(in: bytes)
        }
        return HTTPRequest(
            method: HTTPMethod(rawValue: head.method.string(in: bytes)), target: target, headers: headers,
            version: lastVersion, peer: connection.peer)
    }

    private func parseChunks(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        while case .chunkedBody = receiving, !connection.isClosed {
            switch decoder.next(bytes, position: &position) {
            case .data(let range): take(UnsafeRawBufferPointer(rebasing: bytes[range]))
            case .needsMore: return position
            case .end: bodyComplete()
            case .invalid:
                receiving = .stopped
                keepsAlive = false
                if case .reading(let reader) = bodyUse { reader.fail(.malformed) } else { connection.closeAfterFlush() }
                return bytes.count
            }
        }
        return position
    }

    /// Part of a body.
    private func take(_ piece: UnsafeRawBufferPointer) {
        switch bodyUse {
        case .undecided: break
        case .reading(let reader): reader.append(piece)
        case .skipping(let allowance):
            bodyUse = .skipping(allowance - piece.count)
            if piece.count > allowance {
                receiving = .stopped
                connection.closeAfterFlush(lingering: true)
            }
        }
    }

    private func bodyComplete() {
        receiving = .head
        if case .reading(let reader) = bodyUse { reader.finish() }
        bodyUse = .undecided
    }

    var hasUnreadBody: Bool {
        switch receiving {
        case .body, .chunkedBody: true
        case .head, .upgraded, .stopped: false
        }
    }

    func readBody(exchange: UInt64, of sender: RequestSender?, _ completion: @escaping RequestBodyReader.Completion) {
        guard exchange == self.exchange, hasExchange, case .nothing = sending, reader == nil, !connection.isClosed
        else {
            return completion(.failure(.closed))
        }
        guard hasUnreadBody else { return completion(.success([])) }
        var length: Int?
        if case .body(let remaining) = receiving { length = remaining }
        let reader = RequestBodyReader(
            length: length, sender: sender, configuration: connection.configuration, now: loop.now,
            completion: completion)
        guard reader.isOpen else { return }
        self.reader = reader
        bodyUse = .reading(reader)
        reader.claimRoom { [weak self] in
            guard let self else { return }
            loop.execute { self.bodyGranted(exchange) }
        }
        if reader.isAdmitted { beginReading() }
    }

    private func bodyGranted(_ exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, let reader else { return }
        reader.granted()
        if reader.isAdmitted { beginReading() }
    }

    private func beginReading() {
        if awaitsContinue, inbound.isEmpty {
            HTTP1ResponseEncoder.append("HTTP/1.1 100 Continue\r\n\r\n", to: &connection.output)
        }
        awaitsContinue = false
        // From the loop where a handler called from outside of `parse`: what follows may answer.
        if !isParsing { loop.execute { [self] in resume() } }
    }

    /// What came behind the request for another protocol belongs to it.
    func resumeUpgraded() {
        guard !inbound.isEmpty || peerEnded else { return }
        loop.execute { [self] in
            resume()
            if peerEnded { endInput() }
        }
    }

    /// Behind the last bytes of a peer that has left HTTP.
    private func endInput() {
        guard case .upgraded(let input) = receiving, !isInputEnded else { return }
        isInputEnded = true
        isInputHeld = false
        input.ended?()
        guard case .ended = sending else { return }
        connection.closeAfterFlush()
        connection.flush()
    }

    func order(_ order: UpgradeOrder, exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, case .upgraded = receiving, !connection.isClosed else { return }
        switch order {
        case .hold: isInputHeld = !isInputEnded
        case .admit:
            guard isInputHeld else { return }
            isInputHeld = false
            // From the loop: whoever admits may be called from within `receive`.
            loop.execute { [self] in resume() }
        case .refuse:
            guard !isInputEnded else { return }
            isInputEnded = true
            isInputHeld = false
            if case .ended = sending { connection.closeAfterFlush(lingering: !peerEnded) }
            loop.execute { [self] in resume() }
        }
    }

    /// Answers what is no valid request, and ends the connection.
    private func refuse(_ status: Int, _ reason: String) {
        receiving = .stopped
        keepsAlive = false
        exchange += 1
        hasExchange = true
        respond(connection.configuration.refusal(status, reason), exchange: exchange)
    }

    func peerClosed() {
        peerEnded = true
        keepsAlive = false
        // A handler may have asked for what is here already.
        parseInbound()
        if case .upgraded(let input) = receiving, input.allowsHalfClose { return endInput() }
        guard hasExchange else {
            receiving = .stopped
            // Answers that are encoded already still go out; an incomplete request is dropped.
            connection.closeAfterFlush()
            return
        }
        // The rest of a body that is read can't come any more; one that waits may be complete in `inbound`.
        if let reader, reader.isOpen, reader.isAdmitted { return connection.close() }
        if !hasUnreadBody { receiving = .stopped }
        switch sending {
        // A client may close its sending side and wait for the answer (RFC 9112, 9.6) – but not to an endless one.
        case .nothing, .body, .compressed: break
        case .stream, .headOnlyStream, .ended: connection.close()
        }
    }

    func checkTimeouts(at now: MonotonicTime) {
        reader?.expire(at: now)
        if case .upgraded = receiving, isInputEnded || isOutputEnded,
            connection.quiet(at: now) > connection.configuration.halfClosedTimeout
        {
            connection.close()
        }
    }

    private var isOutputEnded: Bool {
        if case .ended = sending { return true }
        return false
    }

    // MARK: Between exchanges

    /// Before an answer: whether the connection can go on behind a body that the handler did not want.
    func settleUnreadBody() {
        guard hasUnreadBody else { return }
        if let reader {
            // What failed is not worth waiting for.
            if !reader.isOpen { keepsAlive = false }
            reader.abandon()
        }
        if awaitsContinue { keepsAlive = false }
        if case .body(let remaining) = receiving, remaining - inbound.count > Self.skipLimit { keepsAlive = false }
    }

    /// The response is encoded: the next request may come.
    func complete() {
        sending = .nothing
        hasExchange = false
        responder = nil
        reader?.release()
        reader = nil
        if let onSent {
            self.onSent = nil
            onSent()
        }
        if keepsAlive {
            if hasUnreadBody { bodyUse = .skipping(Self.skipLimit) }
        } else {
            receiving = .stopped
            inbound = []
            connection.closeAfterFlush(lingering: !peerEnded)
        }
        connection.flush()
        guard !isParsing, keepsAlive, !inbound.isEmpty else { return }
        // From the loop, not from here: a long pipeline would recurse.
        loop.execute { [self] in resume() }
    }

    // MARK: The end

    func beginDrain() {
        isDraining = true
        keepsAlive = false
        switch sending {
        case .stream(let queue, _), .headOnlyStream(let queue): queue.drain()
        case .ended: connection.close()
        case .body, .compressed: break
        case .nothing:
            if !hasExchange { connection.closeAfterFlush() }
        }
    }

    func connectionClosed() {
        receiving = .stopped
        inbound = []
        hasExchange = false
        let ending = sending
        sending = .nothing
        countAnswer(-pendingAnswer)
        switch ending {
        case .stream(let queue, _), .headOnlyStream(let queue), .ended(let queue): queue.didClose()
        case .nothing: responder?.didClose()
        case .body, .compressed: break
        }
        responder = nil
        let reader = reader
        self.reader = nil
        bodyUse = .undecided
        reader?.fail(.closed)
        reader?.release()
        let sent = onSent
        onSent = nil
        sent?()
    }

    /// Bytes of a complete answer that the client has not taken yet, as the worker counts them.
    private var pendingAnswer = 0

    func countAnswer(_ bytes: Int) {
        pendingAnswer += bytes
        if bytes != 0 { connection.configuration.answers.add(bytes) }
    }
}
