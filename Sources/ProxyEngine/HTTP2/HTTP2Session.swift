internal import CNGHTTP2
internal import Glibc
internal import Transport

/// One HTTP/2 connection (RFC 9113) in either role, framed by nghttp2. Bytes go in, ``events`` come out; what is submitted
/// comes out of ``write(to:_:)`` as bytes.
///
/// Callbacks note what happened and submit frames, since nghttp2 must neither be given bytes nor asked for some from them;
/// whoever did that then takes the events. Not thread-safe: belongs to one loop.
final class HTTP2Session {
    enum Role { case server, client }

    enum Settings {
        /// As nginx (`http2_max_concurrent_streams`).
        static let concurrentStreams: UInt32 = 128
        /// Content of a stream that may be on its way to us and not passed on; bounds what a stream holds here.
        static let streamWindow: Int32 = 65_536
        static let connectionWindow: Int32 = 1 << 20
    }

    let role: Role
    private(set) var session: OpaquePointer?
    /// The streams that have an owner.
    private(set) var streams: [HTTP2StreamPointer] = []
    /// See ``takeEvents(_:)``.
    var events: [HTTP2Event] = []
    /// Heads and trailers that events tell of.
    var text: [UInt8] = []
    /// Frames to be written to the socket. Its memory is of the loop's pool.
    var outgoing = ByteBuffer()
    /// Bytes that the socket has taken.
    private(set) var writtenCount: UInt64 = 0
    /// The peer was asked to open no more streams.
    private(set) var isGoingAway = false
    /// Streams that it opens nevertheless are not looked at.
    private(set) var takesNoMore = false
    /// The last stream that the peer was promised an answer on. Those behind it were never looked at, for all it knows.
    private(set) var lastTaken = Int32.max
    /// The other side may be given no further request on this connection.
    var isRefusingRequests = false
    /// GOAWAY names an error of the peer's.
    private(set) var isCondemned = false
    /// Somebody will call ``write(to:_:)``.
    var isFlushScheduled = false
    /// The socket has taken nothing since it took no more.
    var isStalled = false
    var headLimit: Int
    /// Nanoseconds, of the event that is being handled.
    var now: UInt64

    var conduct: HTTP2Conduct
    var requestText = HTTP2RequestText()
    var fieldText = HTTP2FieldText()
    /// The stream whose head has begun and not ended, or 0.
    var headID: Int32 = 0
    /// A slow head is a slow request.
    var isInsideHead: Bool { headID != 0 }
    var order = HTTP2StreamOrder()

    /// Content was met; there may be events behind it, although all bytes were taken.
    var isPaused = false
    /// The peer has told its settings.
    var hasSettings = false

    static let maxTextBytes = 1 << 20

    /// nil when there is no memory for it.
    init?(role: Role, headLimit: Int, now: UInt64) {
        self.role = role
        self.headLimit = headLimit
        self.now = now
        conduct = HTTP2Conduct(now: now)
        guard open() else { return nil }
    }

    deinit {
        for stream in streams { Self.deallocate(stream) }
        if let session { nghttp2_session_del(session) }
    }

    private func open() -> Bool {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0 else { return false }
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(options)
        }
        nghttp2_option_set_no_closed_streams(options, 1)
        nghttp2_option_set_no_auto_window_update(options, 1)
        HTTP2Callbacks.install(on: callbacks)
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        let result =
            role == .server
            ? nghttp2_session_server_new2(&session, callbacks, pointer, options)
            : nghttp2_session_client_new2(&session, callbacks, pointer, options)
        guard result == 0 else { return false }
        var settings = [
            setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(Settings.streamWindow)),
            setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(headLimit)),
        ]
        if role == .server {
            settings.append(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, Settings.concurrentStreams))
            settings.append(setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1))
            // RFC 9218: the tree of RFC 7540 is kept by nobody any more.
            settings.append(setting(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1))
        } else {
            settings.append(setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Settings.connectionWindow)
        return true
    }

    private func setting(_ identifier: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(identifier.rawValue), value: value)
    }

    // MARK: Bytes

    /// Takes bytes of the connection up to the next content, or all of them.
    ///
    /// - Returns: how many were taken; nil when the connection is broken (a GOAWAY that says why is queued, if it can be).
    func receive(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        isPaused = false
        let used = nghttp2_session_mem_recv(session, bytes, count)
        if used < 0 {
            // What nghttp2 itself does not answer: too many CONTINUATION frames, or acknowledgements that nobody reads.
            let isPreface = used == Int(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue)
            terminate(isPreface ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_ENHANCE_YOUR_CALM)
            return nil
        }
        if role == .server, !conduct.received(used) { terminate(NGHTTP2_ENHANCE_YOUR_CALM) }
        return used
    }

    /// Hands the events to `body`, and forgets their texts.
    func takeEvents(_ body: (HTTP2Event, UnsafeMutablePointer<UInt8>) -> Void) {
        var taken: [HTTP2Event] = []
        swap(&taken, &events)
        var heads: [UInt8] = []
        swap(&heads, &text)
        heads.withUnsafeMutableBufferPointer { heads in
            for event in taken {
                let start = heads.baseAddress.map { $0 + event.range.lowerBound }
                body(event, start ?? UnsafeMutablePointer(bitPattern: 1)!)
            }
        }
        // What was found meanwhile is rare; otherwise the memory serves again.
        if events.isEmpty {
            taken.removeAll(keepingCapacity: taken.capacity <= 256)
            swap(&taken, &events)
        }
        if text.isEmpty {
            heads.removeAll(keepingCapacity: heads.capacity <= 16 << 10)
            swap(&heads, &text)
        }
    }

    enum Written {
        /// All that there was, and ``outgoing`` holds what is next, if anything.
        case all
        /// The socket takes no more for now. `isNew` is false as long as it has taken nothing since this was last said.
        case blocked(isNew: Bool)
        case broken
    }

    /// Writes ``outgoing`` to the connection's socket and fills it again. Take the events afterwards.
    func write(to socket: StreamSocket, _ buffers: inout BufferPool) -> Written {
        while !outgoing.isEmpty {
            switch socket.write(UnsafeRawBufferPointer(start: outgoing.bytes, count: outgoing.count)) {
            case .bytes(let written):
                outgoing.start += written
                writtenCount += UInt64(written)
                isStalled = false
            case .wouldBlock:
                defer { isStalled = true }
                return .blocked(isNew: !isStalled)
            case .closed, .failed: return .broken
            }
        }
        buffers.release(&outgoing)
        fill(&buffers)
        return .all
    }

    /// Adds frames to ``outgoing`` until there is a good deal of them or nothing to be sent.
    private func fill(_ buffers: inout BufferPool) {
        while outgoing.count < Self.batchBytes, nghttp2_session_want_write(session) != 0 {
            if outgoing.base == nil { outgoing = buffers.take(Self.batchBytes + 1) }
            if outgoing.room < Self.frameBytes { buffers.reserve(Self.frameBytes, in: &outgoing) }
            var frame: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &frame)
            guard count > 0, let frame else { break }
            buffers.reserve(count, in: &outgoing)
            outgoing.append(frame, count)
        }
    }

    static let batchBytes = 48 << 10
    private static let frameBytes = (16 << 10) + 9

    /// Neither side has anything to say any more.
    var isOver: Bool {
        outgoing.isEmpty && nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    // MARK: Streams

    /// Whether the socket has taken all of a stream's HEADERS: before, nobody can have looked at the request.
    func hasWrittenHead(_ stream: HTTP2StreamPointer) -> Bool { stream.pointee.headEnd <= writtenCount }

    /// Gives a stream that the peer has opened its owner; nil when it has gone already.
    func adopt(_ id: Int32, owner: UInt64, output: UnsafeMutablePointer<ByteBuffer>) -> HTTP2StreamPointer? {
        let stream = allocate(id, owner: owner, output: output)
        guard nghttp2_session_set_stream_user_data(session, id, stream) == 0 else {
            remove(stream)
            return nil
        }
        return stream
    }

    /// The owner of a stream that is open; 0 where there is none.
    func owner(of id: Int32) -> UInt64 {
        nghttp2_session_get_stream_user_data(session, id)?.assumingMemoryBound(to: HTTP2Stream.self).pointee.owner ?? 0
    }

    private func allocate(
        _ id: Int32, owner: UInt64, output: UnsafeMutablePointer<ByteBuffer>
    ) -> HTTP2StreamPointer {
        let stream = HTTP2StreamPointer.allocate(capacity: 1)
        stream.initialize(to: HTTP2Stream(owner: owner, id: id, output: output, position: streams.count))
        streams.append(stream)
        return stream
    }

    private static func deallocate(_ stream: HTTP2StreamPointer) {
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Takes the stream from its owner and frees it. Whether it is still open is nghttp2's to say, which keeps the pointer
    /// for as long as it is: what was handed over need not have been sent.
    ///
    /// - Parameter code: what to reset it with unless it has been closed.
    func release(_ stream: HTTP2StreamPointer, resetWith code: nghttp2_error_code) {
        let id = stream.pointee.id
        if nghttp2_session_set_stream_user_data(session, id, nil) == 0 {
            nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
        }
        remove(stream)
    }

    private func remove(_ stream: HTTP2StreamPointer) {
        let position = stream.pointee.position
        let last = streams.removeLast()
        if last != stream {
            streams[position] = last
            last.pointee.position = position
        }
        Self.deallocate(stream)
    }

    /// The stream may have something to send again.
    func resume(_ stream: HTTP2StreamPointer) {
        guard stream.pointee.isDeferred else { return }
        stream.pointee.isDeferred = false
        nghttp2_session_resume_data(session, stream.pointee.id)
    }

    /// `count` bytes of content were passed on: the peer may send as many.
    func consume(_ stream: HTTP2StreamPointer, _ count: Int) {
        stream.pointee.held -= count
        nghttp2_session_consume_stream(session, stream.pointee.id, count)
    }

    // MARK: Submitting

    /// Hands a response's head to nghttp2. What is in the stream's output, or will be, follows as content.
    func respond(_ stream: HTTP2StreamPointer, _ fields: borrowing HTTP2FieldBlock, hasContent: Bool) {
        var provider = HTTP2Callbacks.content
        _ = fields.withFields { fields, count in
            hasContent
                ? nghttp2_submit_response(session, stream.pointee.id, fields, count, &provider)
                : nghttp2_submit_response(session, stream.pointee.id, fields, count, nil)
        }
    }

    /// Hands an interim response (1xx) to nghttp2.
    func inform(_ stream: HTTP2StreamPointer, _ fields: borrowing HTTP2FieldBlock) {
        _ = fields.withFields { fields, count in
            nghttp2_submit_headers(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id, nil, fields, count, nil)
        }
    }

    /// Opens a stream with a request.
    ///
    /// - Returns: nil when the connection takes no more.
    func request(
        _ fields: borrowing HTTP2FieldBlock, owner: UInt64, output: UnsafeMutablePointer<ByteBuffer>, hasContent: Bool
    ) -> HTTP2StreamPointer? {
        var provider = HTTP2Callbacks.content
        let stream = HTTP2StreamPointer.allocate(capacity: 1)
        let id = fields.withFields { fields, count in
            hasContent
                ? nghttp2_submit_request(session, nil, fields, count, &provider, stream)
                : nghttp2_submit_request(session, nil, fields, count, nil, stream)
        }
        guard id > 0 else {
            stream.deallocate()
            return nil
        }
        stream.initialize(to: HTTP2Stream(owner: owner, id: id, output: output, position: streams.count))
        streams.append(stream)
        return stream
    }

    /// What the peer allows, and we do.
    var maxRequests: Int {
        min(100, Int(nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)))
    }

    /// Asks the peer to open no more streams, without failing those that are on their way (RFC 9113 section 6.8): a first
    /// GOAWAY names no stream, and the answer to a PING behind it tells that the peer has read that.
    func goAway() {
        guard !isGoingAway else { return }
        isGoingAway = true
        nghttp2_submit_shutdown_notice(session)
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// Takes no further streams; those that are open finish.
    func takeNoMore() {
        guard !takesNoMore else { return }
        takesNoMore = true
        lastTaken = nghttp2_session_get_last_proc_stream_id(session)
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), lastTaken, NGHTTP2_NO_ERROR.rawValue, nil, 0)
    }

    /// Ends the connection with an error code.
    func terminate(_ code: nghttp2_error_code) {
        isCondemned = true
        isGoingAway = true
        takesNoMore = true
        lastTaken = 0
        isRefusingRequests = true
        nghttp2_session_terminate_session(session, code.rawValue)
    }
}
