/// HTTP/1.x on one server connection (RFC 9112): one request at a time; pipelined ones wait in `inbound`, so that
/// answers keep their order. Loop-confined, like its connection.
///
/// `@unchecked Sendable`: used on its connection's loop only.
final class HTTP1ServerEngine: ServerProtocolEngine, ResponseSink, @unchecked Sendable {
    private enum Receiving {
        case head
        case body(remaining: Int)
        case chunkedBody
        /// Nothing more is read from this connection.
        case stopped
    }

    private enum Sending {
        /// No request, or its handler has not answered.
        case nothing
        case body(ChunkQueue)
        case stream(ResponseStreamQueue, isChunked: Bool)
        /// A HEAD request got a stream: its content is dropped.
        case headOnlyStream(ResponseStreamQueue)
    }

    /// Strong: a responder may outlive the connection. The cycle ends when the connection closes.
    private let connection: ServerConnection
    private let loop: EventLoop
    private var receiving = Receiving.head
    private var sending = Sending.nothing
    private var inbound: [UInt8] = []
    private var request: HTTPRequest?
    private var decoder = HTTP1ChunkedDecoder()
    private var exchange: UInt64 = 0
    private var hasExchange = false
    private weak var responder: HTTPResponder?
    private var keepsAlive = true
    private var lastVersion = HTTPRequest.Version.http11
    private var isHead = false
    private var isParsing = false
    private var isDraining = false
    private var peerEnded = false
    private static let pieceSize = 64 * 1024

    init(connection: ServerConnection) {
        self.connection = connection
        loop = connection.loop
    }

    var isReadPaused: Bool { hasExchange && inbound.count >= Self.pieceSize }

    var waiting: ServerWait {
        if hasExchange { return .application }
        if case .head = receiving, !inbound.isEmpty { return .head }
        return .idle
    }

    // MARK: Receiving

    func receive(_ bytes: UnsafeRawBufferPointer) {
        if inbound.isEmpty, !hasExchange {
            let used = parse(bytes)
            if used < bytes.count, canReceive { inbound.append(contentsOf: bytes[used...]) }
        } else {
            inbound.append(contentsOf: bytes)
            parseInbound()
        }
    }

    private var canReceive: Bool {
        if case .stopped = receiving { return false }
        return true
    }

    private func parseInbound() {
        // A handler that answers at once comes back here while the loop in `parse` runs: that one goes on.
        guard !isParsing, !inbound.isEmpty, !hasExchange else { return }
        let bytes = inbound
        inbound = []
        let used = bytes.withUnsafeBytes { parse($0) }
        guard used < bytes.count, canReceive else { return }
        inbound = used == 0 ? bytes : Array(bytes[used...])
    }

    /// Takes whole requests from the front; returns how many bytes were used.
    private func parse(_ bytes: UnsafeRawBufferPointer) -> Int {
        isParsing = true
        defer { isParsing = false }
        var position = 0
        while position < bytes.count, !hasExchange, !connection.isClosed {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            switch receiving {
            case .stopped: return bytes.count
            case .head:
                guard let used = parseHead(rest) else { return position }
                position += used
            case .body(let remaining):
                let count = min(remaining, rest.count)
                request?.body.append(contentsOf: rest[..<count])
                position += count
                if count == remaining { dispatch() } else { receiving = .body(remaining: remaining - count) }
            case .chunkedBody:
                position += parseChunks(rest)
            }
        }
        return position
    }

    /// nil when the head is not complete or not acceptable.
    private func parseHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let configuration = connection.configuration
        let limits = HTTP1HeadLimits(headBytes: configuration.maxHeadBytes)
        // On the stack: the loop has no more than one head in hand.
        var head = HTTP1RequestHead()
        switch head.parse(bytes, limits: limits) {
        case .incomplete: return nil
        case .invalid(let violation):
            refuse(violation.status, "\(violation)")
            return nil
        case .complete: break
        }
        keepsAlive = head.keepsAlive && !isDraining
        lastVersion = head.minorVersion == 0 ? .http10 : .http11
        isHead = head.method.matches("head", in: bytes)
        request = makeRequest(head, bytes)
        switch head.framing {
        case .none, .untilClose:
            dispatch()
        case .length(let length):
            guard length <= configuration.maxBodyBytes else {
                refuse(413, "request bodies may have \(configuration.maxBodyBytes) bytes")
                return nil
            }
            request?.body.reserveCapacity(min(length, Self.pieceSize))
            receiving = .body(remaining: length)
            if head.expectsContinue, bytes.count == head.byteCount { sendContinue() }
        case .chunked:
            decoder = HTTP1ChunkedDecoder()
            receiving = .chunkedBody
            if head.expectsContinue, bytes.count == head.byteCount { sendContinue() }
        }
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
        while true {
            switch decoder.next(bytes, position: &position) {
            case .data(let range):
                let limit = connection.configuration.maxBodyBytes
                guard (request?.body.count ?? 0) + range.count <= limit else {
                    refuse(413, "request bodies may have \(limit) bytes")
                    return bytes.count
                }
                request?.body.append(contentsOf: bytes[range])
            case .needsMore: return position
            case .end:
                dispatch()
                return position
            case .invalid:
                refuse(400, "malformed chunked body")
                return bytes.count
            }
        }
    }

    private func sendContinue() {
        HTTP1ResponseEncoder.append("HTTP/1.1 100 Continue\r\n\r\n", to: &connection.output)
    }

    private func dispatch() {
        guard let request else { return }
        self.request = nil
        receiving = .head
        exchange += 1
        hasExchange = true
        let responder = HTTPResponder(loop: loop, sink: self, exchange: exchange)
        self.responder = responder
        connection.worker.handler.handle(request, responder)
    }

    /// Answers what is no valid request, and ends the connection.
    private func refuse(_ status: Int, _ reason: String) {
        request = nil
        receiving = .stopped
        keepsAlive = false
        exchange += 1
        hasExchange = true
        respond(connection.configuration.refusal(status, reason), exchange: exchange)
    }

    func peerClosed() {
        peerEnded = true
        receiving = .stopped
        keepsAlive = false
        guard hasExchange else {
            // Answers that are encoded already still go out; an incomplete request is dropped.
            connection.closeAfterFlush()
            return
        }
        switch sending {
        // A client may close its sending side and wait for the answer (RFC 9112, 9.6) – but not to an endless one.
        case .nothing, .body: break
        case .stream, .headOnlyStream: connection.close()
        }
    }

    // MARK: Sending

    func respond(_ response: HTTPResponse, exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, case .nothing = sending, !connection.isClosed else { return }
        let length = response.bodyLength
        let status = (200...999).contains(response.status) ? response.status : 500
        let mayHaveBody = status != 204 && status != 304
        appendHead(status, response.headers, mayHaveBody ? .length(length) : .none)
        guard mayHaveBody, !isHead, length > 0 else { return complete() }
        var queue = ChunkQueue(response.body)
        if connection.pendingOutput + length <= Self.pieceSize {
            _ = queue.take(length, appendingTo: &connection.output)
            complete()
        } else {
            sending = .body(queue)
            connection.flush()
        }
    }

    func begin(status: Int, headers: HTTPHeaders, stream: ResponseStreamQueue, exchange: UInt64) {
        guard exchange == self.exchange, hasExchange, case .nothing = sending, !connection.isClosed else {
            return stream.didClose()
        }
        let isChunked = lastVersion != .http10
        if !isChunked { keepsAlive = false }
        appendHead(status, headers, isChunked ? .chunked : .untilClose)
        sending = isHead ? .headOnlyStream(stream) : .stream(stream, isChunked: isChunked)
        if peerEnded { return connection.close() }
        if isDraining { stream.finish() }
        connection.flush()
    }

    func streamChanged(exchange: UInt64) {
        guard exchange == self.exchange, hasExchange else { return }
        connection.flush()
    }

    private func appendHead(_ status: Int, _ headers: HTTPHeaders, _ framing: HTTP1BodyFraming) {
        let worker = connection.worker
        HTTP1ResponseEncoder.append(
            status: status, headers: headers, framing: framing, keepsAlive: keepsAlive,
            minorVersion: lastVersion == .http10 ? 0 : 1, date: worker.appendDate(to:), to: &connection.output)
    }

    func produce() {
        switch sending {
        case .nothing: return
        case .body(var queue):
            // Taken out first: two owners of the queue would copy its array.
            sending = .nothing
            _ = queue.take(Self.pieceSize, appendingTo: &connection.output)
            if queue.isEmpty { complete() } else { sending = .body(queue) }
        case .stream(let queue, let isChunked):
            produce(from: queue, isChunked: isChunked)
        case .headOnlyStream(let queue):
            var dropped: [UInt8] = []
            switch queue.take(.max, appendingTo: &dropped) {
            case .finished, .cancelled:
                queue.didClose()
                complete()
            case .more, .empty: break
            }
        }
    }

    private func produce(from queue: ResponseStreamQueue, isChunked: Bool) {
        // The connection is the only consumer: at least this many bytes are there.
        let available = min(queue.pendingBytes, Self.pieceSize)
        // With the chunk's size and line ends, so that the buffer does not grow again behind the bytes.
        connection.output.reserveCapacity(connection.output.count + available + 32)
        if isChunked, available > 0 { HTTP1ChunkedEncoder.appendSize(available, to: &connection.output) }
        let progress = queue.take(available, appendingTo: &connection.output)
        if case .cancelled = progress {
            connection.output = []
            return connection.close()
        }
        if isChunked, available > 0 { HTTP1ResponseEncoder.append("\r\n", to: &connection.output) }
        if case .finished = progress {
            if isChunked { HTTP1ResponseEncoder.append(HTTP1ChunkedEncoder.end, to: &connection.output) }
            queue.didClose()
            complete()
        }
    }

    /// The response is encoded: the next request may come.
    private func complete() {
        sending = .nothing
        hasExchange = false
        responder = nil
        if !keepsAlive {
            receiving = .stopped
            inbound = []
            connection.closeAfterFlush(lingering: !peerEnded)
        }
        connection.flush()
        guard !isParsing, keepsAlive else { return }
        if !inbound.isEmpty {
            let wasFull = inbound.count >= Self.pieceSize
            // From the loop, not from here: a long pipeline would recurse.
            loop.execute { [self] in
                guard !connection.isClosed else { return }
                parseInbound()
                if wasFull { connection.resumeReading() }
                connection.flush()
            }
        }
    }

    // MARK: The end

    func beginDrain() {
        isDraining = true
        keepsAlive = false
        switch sending {
        case .stream(let queue, _), .headOnlyStream(let queue): queue.finish()
        case .body: break
        case .nothing:
            if !hasExchange, request == nil { connection.closeAfterFlush() }
        }
    }

    func connectionClosed() {
        receiving = .stopped
        inbound = []
        hasExchange = false
        let ending = sending
        sending = .nothing
        switch ending {
        case .stream(let queue, _), .headOnlyStream(let queue): queue.didClose()
        case .nothing: responder?.didClose()
        case .body: break
        }
        responder = nil
    }
}
