internal import CNGHTTP2

/// The client's side of one HTTP/2 connection with any number of requests (RFC 9113), without its socket: bytes come in,
/// bytes and events go out. Not thread-safe.
///
/// A server that sends what costs us something and tells us nothing is given up (``HTTP2Conduct``).
package final class HTTP2ClientSession {
    package typealias StreamID = Int32

    package struct Answer: Sendable {
        /// `:status`; 0 when the server sent none.
        package var status = 0
        package var contentType = ""
        package var body: [UInt8] = []
    }

    package enum Event: Sendable {
        case answered(StreamID, Answer)
        /// There will be no answer, and why.
        case failed(StreamID, String)
    }

    private struct Exchange {
        var body: [UInt8]
        var sent = 0
        var answer = Answer()
        /// Bytes of fields and body that came.
        var size = 0
        var isTooLarge = false
    }

    private var session: OpaquePointer?
    private var exchanges: [StreamID: Exchange] = [:]
    private var events: [Event] = []
    private var conduct: HTTP2Conduct
    private let answerLimit: Int

    /// - Parameters:
    ///   - answerLimit: What an answer may have, fields and body together, in bytes.
    ///   - now: nanoseconds of a monotonic clock.
    /// - Throws: `.limitExceeded` without memory.
    package init(answerLimit: Int, now: UInt64) throws(TransportError) {
        self.answerLimit = answerLimit
        conduct = HTTP2Conduct(now: now)
        var callbacks: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0 else {
            throw TransportError(.limitExceeded, "no memory for HTTP/2")
        }
        defer { nghttp2_session_callbacks_del(callbacks) }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, context in
            guard let frame else { return 0 }
            own(context)?.header(
                frame.pointee.hd.stream_id, UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: valueCount))
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, data, count, context in
            own(context)?.data(stream, UnsafeBufferPointer(start: data, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            own(context)?.close(stream, code)
            return 0
        }
        guard nghttp2_session_client_new(&session, callbacks, Unmanaged.passUnretained(self).toOpaque()) == 0 else {
            throw TransportError(.limitExceeded, "no memory for HTTP/2")
        }
        let settings = [
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(answerLimit)),
        ]
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
    }

    deinit { nghttp2_session_del(session) }

    /// Requests without an answer.
    package var openCount: Int { exchanges.count }

    /// Whether the server takes a further request here.
    package var takesRequests: Bool { nghttp2_session_check_request_allowed(session) != 0 }

    /// A POST; its bytes are part of the next ``takeOutput()``.
    ///
    /// - Parameter fields: names in lower case; the pseudo fields come from the other parameters.
    package func post(
        authority: String, path: String, fields: [(String, String)], body: [UInt8]
    ) throws(TransportError) -> StreamID {
        let pseudo = [(":method", "POST"), (":scheme", "https"), (":authority", authority), (":path", path)]
        let fields = pseudo + fields
        let provider = nghttp2_data_provider(
            source: nghttp2_data_source(),
            read_callback: { _, stream, buffer, count, flags, _, context in
                guard let session = own(context), let buffer else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                return session.read(stream, into: UnsafeMutableRawBufferPointer(start: buffer, count: count), flags)
            })
        let stream = try HTTP2Submission.submit(fields, to: session, provider)
        conduct.noted(payload: body.count)
        exchanges[stream] = Exchange(body: body)
        return stream
    }

    /// Nobody waits for this answer any more: no event will speak of it.
    package func cancel(_ stream: StreamID) {
        guard exchanges.removeValue(forKey: stream) != nil else { return }
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, NGHTTP2_CANCEL.rawValue)
    }

    /// What came over the connection.
    ///
    /// - Throws: `.protocolViolation` when the connection is of no use any more.
    package func receive(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> [Event] {
        let used = nghttp2_session_mem_recv(
            session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        guard used >= 0 else { throw TransportError(.protocolViolation, "it does not speak HTTP/2") }
        guard conduct.received(bytes.count) else {
            throw TransportError(.protocolViolation, "it sends frames that tell nothing")
        }
        defer { events = [] }
        return events
    }

    /// The bytes that are to be sent.
    package func takeOutput() -> [UInt8] {
        var output: [UInt8] = []
        while true {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            guard count > 0, let bytes else { return output }
            output += UnsafeBufferPointer(start: bytes, count: count)
        }
    }

    /// The session has ended by itself, after what was no HTTP/2 or because both sides are done.
    package var isOver: Bool { nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0 }

    // MARK: Called by nghttp2's callbacks

    private func header(
        _ stream: StreamID, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
    ) {
        guard count(name.count + value.count + 32, stream) else { return }
        conduct.noted(payload: name.count + value.count)
        if name.elementsEqual(":status".utf8) {
            // Of informational answers and the last one the last counts.
            exchanges[stream]?.answer.status = HTTP2Status.number(value)
        } else if name.elementsEqual("content-type".utf8) {
            exchanges[stream]?.answer.contentType = String(decoding: value, as: UTF8.self)
        }
    }

    private func data(_ stream: StreamID, _ bytes: UnsafeBufferPointer<UInt8>) {
        guard count(bytes.count, stream) else { return }
        conduct.noted(payload: bytes.count)
        exchanges[stream]?.answer.body += bytes
    }

    /// Counts what came of an answer; false where it is not to be kept.
    private func count(_ size: Int, _ stream: StreamID) -> Bool {
        guard let exchange = exchanges[stream], !exchange.isTooLarge else { return false }
        exchanges[stream]?.size += size
        guard exchange.size + size > answerLimit else { return true }
        exchanges[stream]?.isTooLarge = true
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, NGHTTP2_CANCEL.rawValue)
        return false
    }

    private func read(
        _ stream: StreamID, into buffer: UnsafeMutableRawBufferPointer, _ flags: UnsafeMutablePointer<UInt32>?
    ) -> Int {
        guard let exchange = exchanges[stream] else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let count = min(buffer.count, exchange.body.count - exchange.sent)
        buffer.copyBytes(from: exchange.body[exchange.sent..<exchange.sent + count])
        exchanges[stream]?.sent += count
        if exchange.sent + count == exchange.body.count { flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    private func close(_ stream: StreamID, _ code: UInt32) {
        guard let exchange = exchanges.removeValue(forKey: stream) else { return }
        if exchange.isTooLarge {
            events.append(.failed(stream, "its answer is too large"))
        } else if code != NGHTTP2_NO_ERROR.rawValue {
            events.append(.failed(stream, "it reset the stream with code \(code)"))
        } else {
            events.append(.answered(stream, exchange.answer))
        }
    }
}

private func own(_ context: UnsafeMutableRawPointer?) -> HTTP2ClientSession? {
    context.map { Unmanaged<HTTP2ClientSession>.fromOpaque($0).takeUnretainedValue() }
}
