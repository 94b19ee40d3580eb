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
    private var refused: [(stream: HTTP2ServerStream, status: Int)] = []
    private var continued: [Int32] = []
    private var answeredEarly: [Int32] = []
    private var isDraining = false
    // Rapid reset (CVE-2023-44487): a bucket of requests that a client may cancel, refilled with time.
    private var resetAllowance = HTTP2ServerEngine.resetBurst
    private var resetRefill: MonotonicTime
    private static let resetBurst = 500
    private static let resetsPerSecond = 50
    private static let pieceSize = 64 * 1024

    init(connection: ServerConnection) {
        self.connection = connection
        loop = connection.loop
        resetRefill = connection.loop.now
        openSession()
    }

    deinit {
        if let session { nghttp2_session_del(session) }
    }

    var isReadPaused: Bool { false }

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
        HTTP2Callbacks.install(on: callbacks)
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        guard nghttp2_session_server_new2(&session, callbacks, pointer, options) == 0 else { return }
        let configuration = connection.configuration
        let settings = [
            setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, configuration.maxConcurrentStreams),
            setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 256 * 1024),
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
        settle()
        // A protocol error within HTTP/2 has queued a GOAWAY already and is no failure here.
        if used < 0 { connection.closeAfterFlush(lingering: true) }
    }

    /// Acts on what callbacks recorded.
    private func settle() {
        while !ended.isEmpty || !arrived.isEmpty || !refused.isEmpty || !continued.isEmpty {
            let ending = ended
            let arriving = arrived
            let refusing = refused
            let continuing = continued
            ended = []
            arrived = []
            refused = []
            continued = []
            for id in continuing { submitContinue(id) }
            for (stream, status) in refusing { refuse(stream, status) }
            for stream in arriving where streams[stream.id] === stream { dispatch(stream) }
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
        let responder = HTTPResponder(loop: loop, sink: self, exchange: UInt64(stream.id))
        stream.responder = responder
        connection.worker.handler.handle(stream.request(peer: connection.peer), responder)
    }

    private func refuse(_ stream: HTTP2ServerStream, _ status: Int) {
        guard !stream.isDispatched else { return }
        stream.isDispatched = true
        dispatchedCount += 1
        stream.body = []
        let limit = connection.configuration.maxBodyBytes
        let reason = status == 413 ? "request bodies may have \(limit) bytes" : "the header list is too large"
        respond(connection.configuration.refusal(status, reason), exchange: UInt64(stream.id))
    }

    private func submitContinue(_ id: Int32) {
        guard streams[id] != nil else { return }
        let worker = connection.worker
        worker.head.removeAll()
        worker.head.add(":status", "100")
        _ = worker.head.withFields { fields, count in
            nghttp2_submit_headers(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, nil, fields, count, nil)
        }
    }

    func peerClosed() { connection.close() }

    // MARK: Called by nghttp2's callbacks

    func beginHeaders(_ id: Int32) {
        if streams[id] == nil { streams[id] = HTTP2ServerStream(id: id) }
    }

    func header(_ id: Int32, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        guard let stream = streams[id], !stream.isRefused else { return }
        // nghttp2 bounds the encoded block; this bounds what it unpacks to.
        if !stream.add(name: name, value: value, limit: connection.configuration.maxHeadBytes) {
            stream.isRefused = true
            refused.append((stream, 431))
        }
    }

    func data(_ id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
        guard let stream = streams[id], !stream.isRefused, !stream.isDispatched else { return }
        guard stream.body.count + bytes.count <= connection.configuration.maxBodyBytes else {
            stream.isRefused = true
            refused.append((stream, 413))
            return
        }
        stream.body.append(contentsOf: bytes)
    }

    func headersComplete(_ id: Int32, endsStream: Bool) {
        guard let stream = streams[id] else { return }
        if !stream.hasHead, !endsStream, stream.headers["expect"]?.lowercased() == "100-continue" {
            continued.append(id)
        }
        stream.hasHead = true
    }

    func requestComplete(_ id: Int32) {
        guard let stream = streams[id], !stream.isRefused else { return }
        arrived.append(stream)
    }

    func streamClosed(_ id: Int32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        if stream.isDispatched { dispatchedCount -= 1 }
        ended.append(stream)
    }

    /// Ends the session when the client cancels more requests than a client has reason to.
    func countReset() {
        let now = loop.now
        let refill = Int(clamping: (now - resetRefill).wholeNanoseconds / 1_000_000) * Self.resetsPerSecond / 1000
        if refill > 0 {
            resetAllowance = min(Self.resetBurst, resetAllowance + refill)
            resetRefill = now
        }
        resetAllowance -= 1
        if resetAllowance < 0 {
            nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM.rawValue)
            resetAllowance = 0
        }
    }

    enum BodyPart {
        /// Nothing now.
        case none
        case broken
        case bytes(Int, isLast: Bool)
    }

    /// What the next DATA frame of a stream will hold, up to `limit` bytes.
    func bodyPart(_ id: Int32, limit: Int) -> BodyPart {
        guard let stream = streams[id] else { return .broken }
        switch stream.sending {
        case .nothing: return .none
        case .done: return .bytes(0, isLast: true)
        case .body(let queue):
            return .bytes(min(queue.byteCount, limit), isLast: queue.byteCount <= limit)
        case .stream(let queue):
            let (count, progress) = queue.available()
            switch progress {
            case .cancelled: return .broken
            case .finished: return .bytes(min(count, limit), isLast: count <= limit)
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
        case .nothing, .done: return .broken
        case .body(var queue):
            stream.sending = .nothing
            connection.output.append(contentsOf: header)
            _ = queue.take(count, appendingTo: &connection.output)
            stream.sending = queue.isEmpty ? .done : .body(queue)
            if stream.isRefused, queue.isEmpty { answeredEarly.append(id) }
        case .stream(let queue):
            let start = connection.output.count
            connection.output.append(contentsOf: header)
            let progress = queue.take(count, appendingTo: &connection.output)
            // Cancelled since the frame was begun.
            if case .cancelled = progress {
                connection.output.removeLast(connection.output.count - start)
                return .broken
            }
        }
        return .sent
    }

    // MARK: Sending

    func respond(_ response: HTTPResponse, exchange: UInt64) {
        guard let stream = stream(exchange), case .nothing = stream.sending else { return }
        let length = response.bodyLength
        let status = (200...999).contains(response.status) ? response.status : 500
        let mayHaveBody = status != 204 && status != 304
        let hasBody = mayHaveBody && !stream.isHead && length > 0
        stream.sending = hasBody ? .body(ChunkQueue(response.body)) : .done
        stream.responder = nil
        submitHead(stream, status, response.headers, length: mayHaveBody ? length : nil, hasBody: hasBody)
        connection.flushAtEndOfRound()
    }

    func begin(status: Int, headers: HTTPHeaders, stream queue: ResponseStreamQueue, exchange: UInt64) {
        guard let stream = stream(exchange), case .nothing = stream.sending else { return queue.didClose() }
        stream.responder = nil
        if stream.isHead {
            stream.sending = .done
            queue.didClose()
        } else {
            stream.sending = .stream(queue)
        }
        submitHead(stream, status, headers, length: nil, hasBody: !stream.isHead)
        if isDraining { queue.finish() }
        connection.flushAtEndOfRound()
    }

    func streamChanged(exchange: UInt64) {
        guard let stream = stream(exchange) else { return }
        if stream.isDeferred {
            stream.isDeferred = false
            nghttp2_session_resume_data(session, stream.id)
        }
        connection.flushAtEndOfRound()
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
            connection.closeAfterFlush()
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
            if case .stream(let queue) = stream.sending { queue.finish() }
        }
        finishIfDrained()
    }

    private func finishIfDrained() {
        if isDraining, streams.isEmpty { connection.closeAfterFlush() }
    }

    func connectionClosed() {
        let open = Array(streams.values) + ended
        streams = [:]
        ended = []
        arrived = []
        refused = []
        for stream in open { stream.close() }
    }
}
