internal import CNGHTTP2
package import NetworkTypes

/// One request over HTTP/2 in cleartext, on a connection of its own that begins with prior knowledge (RFC 9113, 3.3):
/// what a call of gRPC to a server of this machine needs.
///
/// `@unchecked Sendable`: everything but `init` happens on the loop's thread.
package final class HTTP2Call: EventHandler, @unchecked Sendable {
    package struct Answer: Sendable {
        /// `:status`; 0 when the server sent none.
        package var status = 0
        /// Header and trailer fields, in order.
        package var fields: [(name: String, value: String)] = []
        package var body: [UInt8] = []

        /// The last value of a field; names are in lower case.
        package subscript(name: String) -> String? { fields.last { $0.name == name }?.value }
    }

    /// What an answer may have, fields and body together.
    private static let limit = 64 * 1024

    private let loop: EventLoop
    private var continuation: CheckedContinuation<Answer, any Error>?
    private var descriptor: Int32 = -1
    private var registration: LoopRegistration?
    private var timer: LoopTimer?
    private var session: OpaquePointer?
    private var isConnected = false
    private var output: [UInt8] = []
    private var body: [UInt8]
    private var sentBody = 0
    private var answer = Answer()
    private var size = 0
    private var isOver = false

    private init(_ loop: EventLoop, body: [UInt8], _ continuation: CheckedContinuation<Answer, any Error>) {
        self.loop = loop
        self.body = body
        self.continuation = continuation
    }

    deinit {
        if let session { nghttp2_session_del(session) }
    }

    /// Sends a POST and collects the whole answer.
    ///
    /// - Parameters:
    ///   - fields: names in lower case; the pseudo fields come from the other parameters.
    ///   - timeout: for everything, the connection included.
    /// - Throws: `TransportError`.
    package static func post(
        to address: SocketAddress, authority: String, path: String, fields: [(String, String)], body: [UInt8],
        on loop: EventLoop, timeout: Duration
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            let call = HTTP2Call(loop, body: body, continuation)
            let pseudo = [(":method", "POST"), (":scheme", "http"), (":authority", authority), (":path", path)]
            loop.execute { call.start(address, pseudo + fields, timeout) }
        }
    }

    private func start(_ address: SocketAddress, _ fields: [(String, String)], _ timeout: Duration) {
        do throws(TransportError) {
            descriptor = try Socket.connect(address)
            registration = try loop.register(descriptor, handler: self, token: 0)
            timer = loop.schedule(after: timeout) {
                self.finish(TransportError(.timedOut, "no answer within \(timeout)"))
            }
            try openSession(fields)
        } catch {
            finish(error)
        }
    }

    private func openSession(_ fields: [(String, String)]) throws(TransportError) {
        var callbacks: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0 else {
            throw TransportError(.limitExceeded, "no memory for HTTP/2")
        }
        defer { nghttp2_session_callbacks_del(callbacks) }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameCount, value, valueCount, _, context in
            call(context)?.header(
                UnsafeBufferPointer(start: name, count: nameCount), UnsafeBufferPointer(start: value, count: valueCount)
            )
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, _, data, count, context in
            call(context)?.data(UnsafeBufferPointer(start: data, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, _, _, context in
            call(context)?.isOver = true
            return 0
        }
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        guard nghttp2_session_client_new(&session, callbacks, pointer) == 0 else {
            throw TransportError(.limitExceeded, "no memory for HTTP/2")
        }
        let settings = [
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0)
        ]
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        let provider = nghttp2_data_provider(
            source: nghttp2_data_source(),
            read_callback: { _, _, buffer, count, flags, _, context in
                guard let call = call(context), let buffer else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                return call.readBody(UnsafeMutableRawBufferPointer(start: buffer, count: count), flags)
            })
        _ = try HTTP2Submission.submit(fields, to: session, provider)
    }

    // MARK: Called by nghttp2's callbacks

    private func header(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        size += name.count + value.count + 32
        guard size <= Self.limit else { return }
        let (name, value) = (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        if name == ":status" {
            answer.status = HTTP2Status.number(value.utf8)
        } else {
            answer.fields.append((name, value))
        }
    }

    private func data(_ bytes: UnsafeBufferPointer<UInt8>) {
        size += bytes.count
        if size <= Self.limit { answer.body += bytes }
    }

    private func readBody(_ buffer: UnsafeMutableRawBufferPointer, _ flags: UnsafeMutablePointer<UInt32>?) -> Int {
        let count = min(buffer.count, body.count - sentBody)
        buffer.copyBytes(from: body[sentBody..<sentBody + count])
        sentBody += count
        if sentBody == body.count { flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    // MARK: The connection

    package func handle(_ events: ReadyEvents, token: UInt64) {
        if !isConnected {
            guard events.contains(.writable) || events.contains(.failed) else { return }
            let number = Socket.pendingError(descriptor)
            guard number == 0 else { return finish(.system(number, "connect")) }
            isConnected = true
        }
        flush()
        if events.contains(.readable) { readAll() }
    }

    /// A server that sends faster than this reads gets so many reads in a row; then it is the turn of others of the loop, and
    /// of its timers.
    private static let readsInTurn = 32

    private func readAll() {
        for _ in 0..<Self.readsInTurn {
            guard continuation != nil else { return }
            switch Socket.read(descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                let used = nghttp2_session_mem_recv(
                    session, loop.readBuffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count)
                guard used >= 0 else {
                    return finish(TransportError(.protocolViolation, "the server does not speak HTTP/2"))
                }
                if size > Self.limit { return finish(TransportError(.limitExceeded, "the answer is too large")) }
                if isOver { return finish(nil) }
                flush()
                // The session has ended by itself: what came was no frame of HTTP/2.
                if continuation != nil, output.isEmpty, nghttp2_session_want_read(session) == 0 {
                    return finish(TransportError(.protocolViolation, "the server does not speak HTTP/2"))
                }
            case .wouldBlock: return
            case .closed: return finish(TransportError(.connectionClosed, "the server closed the connection"))
            case .failed(let number): return finish(.system(number, "read"))
            }
        }
        loop.execute { self.readAll() }
    }

    private func flush() {
        while continuation != nil {
            if output.isEmpty {
                var bytes: UnsafePointer<UInt8>?
                let count = nghttp2_session_mem_send(session, &bytes)
                guard count > 0, let bytes else { return }
                output = Array(UnsafeBufferPointer(start: bytes, count: count))
            }
            switch output.withUnsafeBytes({ Socket.write(descriptor, $0) }) {
            case .bytes(let count): output.removeFirst(count)
            case .wouldBlock: return
            case .closed: return finish(TransportError(.connectionClosed, "the server closed the connection"))
            case .failed(let number): return finish(.system(number, "write"))
            }
        }
    }

    private func finish(_ error: TransportError?) {
        guard let continuation else { return }
        self.continuation = nil
        timer?.cancel()
        timer = nil
        if let registration {
            loop.close(registration)
        } else if descriptor >= 0 {
            Socket.close(descriptor)
        }
        if let error { continuation.resume(throwing: error) } else { continuation.resume(returning: answer) }
    }
}

private func call(_ context: UnsafeMutableRawPointer?) -> HTTP2Call? {
    context.map { Unmanaged<HTTP2Call>.fromOpaque($0).takeUnretainedValue() }
}
