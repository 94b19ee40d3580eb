internal import CNGHTTP2
internal import Glibc

/// HTTP/2 on one server connection (RFC 9113), framed by nghttp2. Its callbacks only record what happened; handlers
/// and closing run after nghttp2 has returned, since neither may re-enter it.
///
/// `@unchecked Sendable`: used on its connection's loop only.
final class HTTP2ServerEngine: ServerProtocolEngine, ResponseSink, @unchecked Sendable {
    /// Strong: a responder may outlive the connection. The cycle ends when the connection closes.
    private let connection: ServerConnection
    private let loop: EventLoop
    private var session: OpaquePointer?
    private var streams: [Int32: HTTP2ServerStream] = [:]
    private var dispatchedCount = 0
    // What callbacks recorded.
    private var arrived: [HTTP2ServerStream] = []
    private var ended: [HTTP2ServerStream] = []
    private var refused: [HTTP2ServerStream] = []
    /// Requests of which a part of the body came, or the end.
    private var advanced: [HTTP2ServerStream] = []
    /// Requests whose bodies have got room in the connection's share.
    private var nextBodies: [HTTP2ServerStream] = []
    private var answeredEarly: [Int32] = []
    /// What the bodies of this connection may take of the process's budget.
    private var bodies: ByteBudgetState
    private var isDraining = false
    private var conduct: HTTP2Conduct
    /// GOAWAY says that it has misbehaved: nothing more is read of it.
    private var isCondemned = false
    private static let pieceSize = 64 * 1024
    /// What a client may send of a body before anybody has asked for it.
    private static let earlyWindow = 32 * 1024
    /// What it may send ahead of one that is read.
    private static let readingWindow = 512 * 1024

    init(connection: ServerConnection) {
        self.connection = connection
        loop = connection.loop
        conduct = HTTP2Conduct(now: connection.loop.now.nanoseconds)
        bodies = ByteBudgetState(capacity: connection.configuration.maxBodyBytesPerConnection)
        openSession()
    }

    deinit {
        if let session { nghttp2_session_del(session) }
    }

    var isReadPaused: Bool { isCondemned }

    var waiting: ServerWait { dispatchedCount > 0 ? .application : .idle }

    private func openSession() {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0 else { return }
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(options)
        }
        nghttp2_option_set_no_closed_streams(options, 1)
        // Windows of streams open as bodies are wanted, not as bytes arrive.
        nghttp2_option_set_no_auto_window_update(options, 1)
        HTTP2Callbacks.install(on: callbacks)
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        guard nghttp2_session_server_new2(&session, callbacks, pointer, options) == 0 else { return }
        let configuration = connection.configuration
        let settings = [
            setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, configuration.maxConcurrentStreams),
            setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Self.earlyWindow),
            setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, configuration.maxHeadBytes),
            setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0),
        ]
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, 1 << 20)
    }

    private func setting(_ identifier: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(identifier.rawValue), value: UInt32(clamping: value))
    }

    // MARK: Receiving

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard let session else { return connection.close() }
        let used = nghttp2_session_mem_recv(
            session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        if used > 0, !conduct.received(used) { calm() }
        settle()
        // A protocol error within HTTP/2 has queued a GOAWAY already and is no failure here.
        if used < 0 {
            isCondemned = true
            connection.closeAfterFlush(lingering: true)
        }
    }

    /// Acts on what callbacks recorded.
    private func settle() {
        while !ended.isEmpty || !arrived.isEmpty || !refused.isEmpty || !nextBodies.isEmpty || !advanced.isEmpty {
            let ending = ended
            let arriving = arrived
            let refusing = refused
            let claiming = nextBodies
            let advancing = advanced
            ended = []
            arrived = []
            refused = []
            nextBodies = []
            advanced = []
            for stream in refusing { refuse(stream) }
            for stream in arriving where streams[stream.id] === stream { dispatch(stream) }
            for stream in claiming where streams[stream.id] === stream { claimRoom(stream) }
            for stream in advancing where streams[stream.id] === stream { advance(stream) }
            for stream in ending { stream.close() }
        }
        for id in answeredEarly {
            // The client may stop sending now that it has the whole answer (RFC 9113, 8.1).
            nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, NGHTTP2_NO_ERROR.rawValue)
        }
        answeredEarly = []
        finishIfDrained()
    }

    private func dispatch(_ stream: HTTP2ServerStream) {
        guard !stream.isDispatched else { return }
        stream.isDispatched = true
        dispatchedCount += 1
        guard stream.path.utf8.first == UInt8(ascii: "/") || stream.path == "*" else {
            // CONNECT has no path.
            return respond(HTTPResponse(status: 400, text: "no path\n"), exchange: UInt64(stream.id))
        }
        let request = stream.request(peer: connection.peer)
        stream.expectsContinue = request.hasBody && request.headers["expect"]?.lowercased() == "100-continue"
        let responder = HTTPResponder(loop: loop, sink: self, exchange: UInt64(stream.id))
        stream.responder = responder
        connection.handle(request, responder)
    }

    private func refuse(_ stream: HTTP2ServerStream) {
        guard !stream.isDispatched else { return }
        stream.isDispatched = true
        dispatchedCount += 1
        respond(
            connection.configuration.refusal(431, "the header list is too large"), exchange: UInt64(stream.id))
    }

    private func submitContinue(_ id: Int32) {
        let worker = connection.worker
        worker.head.removeAll()
        worker.head.add(":status", "100")
        _ = worker.head.withFields { fields, count in
            nghttp2_submit_headers(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, nil, fields, count, nil)
        }
    }

    // MARK: Bodies

    func readBody(exchange: UInt64, of sender: RequestSender?, _ completion: @escaping RequestBodyReader.Completion) {
        guard let stream = stream(exchange), case .nothing = stream.sending, stream.reader == nil else {
            return completion(.failure(.closed))
        }
        if stream.hasEnded, stream.early.isEmpty { return completion(.success([])) }
        let reader = RequestBodyReader(
            length: stream.hasEnded ? stream.early.count : stream.contentLength, sender: sender,
            configuration: connection.configuration, now: loop.now, completion: completion)
        guard reader.isOpen else { return }
        stream.reader = reader
        // The connection's own share first: no connection takes the whole of the process's.
        switch bodies.claim(reader.wanted, id: exchange) {
        case .granted: claimRoom(stream)
        case .queued: break
        case .refused: reader.fail(.noRoom)
        }
    }

    private func claimRoom(_ stream: HTTP2ServerStream) {
        guard let reader = stream.reader else { return }
        stream.heldBodyBytes = reader.wanted
        let exchange = UInt64(stream.id)
        reader.claimRoom { [weak self] in
            guard let self else { return }
            loop.execute { self.bodyGranted(exchange) }
        }
        if reader.isAdmitted { beginReading(stream) }
    }

    private func bodyGranted(_ exchange: UInt64) {
        guard let stream = stream(exchange), let reader = stream.reader, reader.isOpen else { return }
        reader.granted()
        beginReading(stream)
        settle()
        connection.flush()
    }

    /// A stream has ended, and its part of the connection's share is free.
    private func releaseBody(_ stream: HTTP2ServerStream) {
        guard stream.reader != nil || stream.heldBodyBytes > 0 else { return }
        let granted =
            bodies.withdraw(UInt64(stream.id)) ?? (stream.heldBodyBytes > 0 ? bodies.release(stream.heldBodyBytes) : [])
        stream.heldBodyBytes = 0
        for exchange in granted {
            guard let next = Int32(exactly: exchange).flatMap({ streams[$0] }) else { continue }
            next.heldBodyBytes = next.reader?.wanted ?? 0
            nextBodies.append(next)
        }
    }

    /// The budget has room for the body: takes what is here, and opens the window for the rest.
    private func beginReading(_ stream: HTTP2ServerStream) {
        if !stream.hasEnded {
            if stream.expectsContinue, stream.early.isEmpty { submitContinue(stream.id) }
            let rest = (stream.contentLength ?? Self.readingWindow) - stream.early.count
            if rest > Self.earlyWindow {
                nghttp2_session_set_local_window_size(
                    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, Int32(Self.readingWindow))
            }
        }
        if !stream.early.isEmpty || stream.hasEnded { advanced.append(stream) }
    }

    /// Hands on what came of a body that is read.
    private func advance(_ stream: HTTP2ServerStream) {
        guard let reader = stream.reader, reader.isAdmitted else { return }
        let piece = stream.early
        stream.early = []
        piece.withUnsafeBytes { reader.append($0) }
        if !stream.hasEnded { nghttp2_session_consume_stream(session, stream.id, piece.count) }
        if stream.hasEnded { reader.finish() }
    }

    func peerClosed() { connection.close() }

    // MARK: Called by nghttp2's callbacks

    func beginHeaders(_ id: Int32) {
        if streams[id] == nil { streams[id] = HTTP2ServerStream(id: id) }
    }

    func header(_ id: Int32, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        guard let stream = streams[id], !stream.dropsBody else { return }
        // nghttp2 bounds the encoded block; this bounds what it unpacks to.
        if !stream.add(name: name, value: value, limit: connection.configuration.maxHeadBytes) {
            stream.dropsBody = true
            stream.headers = HTTPHeaders()
            refused.append(stream)
        }
    }

    func data(_ id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
        // The connection's window is for all streams: what one keeps back must not stop the others.
        nghttp2_session_consume_connection(session, bytes.count)
        guard let stream = streams[id], !stream.dropsBody else { return }
        guard let reader = stream.reader, reader.isAdmitted else {
            // At most a window: none of it is given back.
            stream.early.append(contentsOf: bytes)
            return
        }
        if stream.early.isEmpty { advanced.append(stream) }
        stream.early.append(contentsOf: bytes)
    }

    func headersComplete(_ id: Int32, endsStream: Bool) {
        guard let stream = streams[id], !stream.hasHead else { return }
        stream.hasHead = true
        stream.hasEnded = endsStream
        if !stream.dropsBody { arrived.append(stream) }
    }

    func requestComplete(_ id: Int32) {
        guard let stream = streams[id] else { return }
        stream.hasEnded = true
        if stream.reader != nil { advanced.append(stream) }
    }

    func streamClosed(_ id: Int32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if stream.isDispatched { dispatchedCount -= 1 }
        uncount(stream, stream.countedBytes)
        releaseBody(stream)
        ended.append(stream)
    }

    /// So many bytes of a head or of content came or went.
    func note(payload: Int) { conduct.noted(payload: payload) }

    /// The client took a request back, or made us reset it: ends the session when that happens more often than there is reason to.
    func countReset() {
        if !conduct.reset(now: loop.now.nanoseconds) { calm() }
    }

    private func calm() {
        isCondemned = true
        nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
    }

    enum BodyPart {
        /// Nothing now.
        case none
        case broken
        /// So many bytes are there, for ``sendBody(_:_:_:)``.
        case bytes(Int, isLast: Bool)
        /// So many bytes were made and put into the buffer.
        case copied(Int, isLast: Bool)
    }

    /// What the next DATA frame of a stream will hold, up to `limit` bytes.
    func bodyPart(_ id: Int32, limit: Int, _ buffer: UnsafeMutableRawBufferPointer) -> BodyPart {
        guard let stream = streams[id] else { return .broken }
        switch stream.sending {
        case .nothing: return .none
        case .done: return .bytes(0, isLast: true)
        case .body(let queue):
            return .bytes(min(queue.byteCount, limit), isLast: queue.byteCount <= limit)
        case .compressed(let body):
            let pending = body.pendingBytes
            let count = body.take(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(limit, buffer.count)]))
            uncount(stream, min(pending - body.pendingBytes, stream.countedBytes))
            stream.sentBytes &+= count
            if body.isEnded {
                stream.sending = .done
                answered(stream)
            }
            return .copied(count, isLast: body.isEnded)
        case .stream(let queue):
            let (count, progress) = queue.available()
            switch progress {
            case .cancelled: return .broken
            case .finished:
                if count == 0 { answered(stream) }
                return .bytes(min(count, limit), isLast: count <= limit)
            case .more: return .bytes(min(count, limit), isLast: false)
            case .empty:
                stream.isDeferred = true
                return .none
            }
        }
    }

    enum BodyProgress {
        case sent
        /// The connection has enough to send for now.
        case full
        case broken
    }

    /// Puts a DATA frame into the output.
    func sendBody(_ id: Int32, _ header: UnsafeRawBufferPointer, _ count: Int) -> BodyProgress {
        guard let stream = streams[id] else { return .broken }
        guard connection.output.count < Self.pieceSize else { return .full }
        switch stream.sending {
        case .nothing, .done, .compressed: return .broken
        case .body(var queue):
            stream.sending = .nothing
            connection.output.append(contentsOf: header)
            _ = queue.take(count, appendingTo: &connection.output)
            uncount(stream, min(count, stream.countedBytes))
            stream.sentBytes &+= count
            stream.sending = queue.isEmpty ? .done : .body(queue)
            if queue.isEmpty { answered(stream) }
        case .stream(let queue):
            let start = connection.output.count
            connection.output.append(contentsOf: header)
            let progress = queue.take(count, appendingTo: &connection.output)
            // Cancelled since the frame was begun.
            if case .cancelled = progress {
                connection.output.removeLast(connection.output.count - start)
                return .broken
            }
            stream.sentBytes &+= count
            if case .finished = progress { answered(stream) }
        }
        return .sent
    }

    // MARK: Sending

    func respond(_ response: HTTPResponse, exchange: UInt64) {
        guard let stream = stream(exchange), case .nothing = stream.sending else {
            response.onSent?()
            return
        }
        let length = response.bodyLength
        let status = (200...999).contains(response.status) ? response.status : 500
        let mayHaveBody = status != 204 && status != 304
        let hasBody = mayHaveBody && !stream.isHead && length > 0
        var headers = response.headers
        let compressed = hasBody && response.isCompressed ? GzipBody(response.body) : nil
        if let compressed {
            headers["Content-Encoding"] = "gzip"
            stream.sending = .compressed(compressed)
        } else {
            stream.sending = hasBody ? .body(ChunkQueue(response.body)) : .done
        }
        stream.onSent = response.onSent
        if hasBody, length > HTTPServerConfiguration.countedAnswer {
            stream.countedBytes = length
            connection.configuration.answers.add(length)
        }
        stream.responder = nil
        dropBody(stream)
        let knownLength = mayHaveBody && compressed == nil ? length : nil
        submitHead(stream, status, headers, length: knownLength, hasBody: hasBody)
        if !hasBody { answered(stream) }
        connection.flushAtEndOfRound()
    }

    func begin(status: Int, headers: HTTPHeaders, stream queue: ResponseStreamQueue, exchange: UInt64) {
        guard let stream = stream(exchange), case .nothing = stream.sending else { return queue.didClose() }
        stream.responder = nil
        dropBody(stream)
        if stream.isHead {
            stream.sending = .done
            queue.didClose()
        } else {
            stream.sending = .stream(queue)
        }
        submitHead(stream, status, headers, length: nil, hasBody: !stream.isHead)
        if isDraining { queue.drain() }
        connection.flushAtEndOfRound()
    }

    func upgrade(headers: HTTPHeaders, stream queue: ResponseStreamQueue, input: UpgradedInput, exchange: UInt64) {
        // RFC 9113, 8.6: HTTP/2 has no 101.
        queue.didClose()
    }

    func order(_ order: UpgradeOrder, exchange: UInt64) {}

    /// The answer needs no more of the request.
    private func dropBody(_ stream: HTTP2ServerStream) {
        stream.dropsBody = true
        stream.early = []
        stream.reader?.abandon()
    }

    /// Bytes of a large answer were taken or dropped.
    private func uncount(_ stream: HTTP2ServerStream, _ bytes: Int) {
        guard bytes > 0 else { return }
        stream.countedBytes -= bytes
        connection.configuration.answers.add(-bytes)
    }

    /// The last byte of the response is in a frame.
    private func answered(_ stream: HTTP2ServerStream) {
        if !stream.hasEnded { answeredEarly.append(stream.id) }
        if let onSent = stream.onSent {
            stream.onSent = nil
            onSent()
        }
    }

    func streamChanged(exchange: UInt64) {
        guard let stream = stream(exchange) else { return }
        if case .stream(let queue) = stream.sending, queue.isCancelled {
            // At once, and not by way of DATA: the client may have closed its window.
            reset(stream, NGHTTP2_INTERNAL_ERROR)
        }
        if stream.isDeferred {
            stream.isDeferred = false
            nghttp2_session_resume_data(session, stream.id)
        }
        connection.flushAtEndOfRound()
    }

    private func reset(_ stream: HTTP2ServerStream, _ code: nghttp2_error_code) {
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
    }

    func checkTimeouts(at now: MonotonicTime) {
        guard dispatchedCount > 0 else { return }
        let period = connection.configuration.stallTimeout
        for stream in streams.values {
            stream.reader?.expire(at: now)
            if stream.pace.isTooSlow(pending: stream.pendingBytes, sent: stream.sentBytes, period: period, now: now) {
                reset(stream, NGHTTP2_ENHANCE_YOUR_CALM)
            }
        }
        settle()
        connection.flush()
    }

    private func stream(_ exchange: UInt64) -> HTTP2ServerStream? {
        guard !connection.isClosed, let id = Int32(exactly: exchange) else { return nil }
        return streams[id]
    }

    private func submitHead(
        _ stream: HTTP2ServerStream, _ status: Int, _ headers: HTTPHeaders, length: Int?, hasBody: Bool
    ) {
        let worker = connection.worker
        let date = worker.dateText
        worker.head.removeAll()
        worker.head.add(":status", String(status))
        for field in headers where !HTTP2HeaderBlock.isConnectionSpecific(field.name) {
            worker.head.add(field.name, field.value)
        }
        worker.head.add("date", date)
        if let length { worker.head.add("content-length", String(length)) }
        _ = worker.head.withFields { fields, count in
            guard hasBody else { return nghttp2_submit_response(session, stream.id, fields, count, nil) }
            var provider = HTTP2Callbacks.bodyProvider
            return nghttp2_submit_response(session, stream.id, fields, count, &provider)
        }
    }

    func produce() {
        guard let session else { return }
        while connection.output.count < Self.pieceSize {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            // 0: the streams have nothing now, or the output is full.
            guard count > 0, let bytes else {
                if count < 0 { connection.closeAfterFlush() }
                break
            }
            connection.output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        }
        settle()
        if connection.output.isEmpty, nghttp2_session_want_read(session) == 0, nghttp2_session_want_write(session) == 0
        {
            connection.closeAfterFlush(lingering: isCondemned)
        }
    }

    // MARK: The end

    func beginDrain() {
        guard !isDraining else { return }
        isDraining = true
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
            NGHTTP2_NO_ERROR.rawValue, nil, 0)
        for stream in streams.values {
            if case .stream(let queue) = stream.sending { queue.drain() }
        }
        finishIfDrained()
    }

    private func finishIfDrained() {
        if isDraining, streams.isEmpty { connection.closeAfterFlush() }
    }

    func connectionClosed() {
        let open = Array(streams.values) + ended
        for stream in streams.values { uncount(stream, stream.countedBytes) }
        streams = [:]
        ended = []
        arrived = []
        refused = []
        nextBodies = []
        advanced = []
        for stream in open { stream.close() }
    }
}
