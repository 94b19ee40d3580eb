internal import CNGHTTP2
internal import Glibc
internal import Transport

/// The C functions between nghttp2 and ``HTTP2Session``.
enum HTTP2Callbacks {
    static func install(on callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, context in
            guard let header, let session = session(context) else { return 0 }
            session.frameBegins(header)
            return 0
        }
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame, let session = session(context) else { return 0 }
            if UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue { session.beginHead(frame) }
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, context in
            guard let frame, let session = session(context) else { return 0 }
            session.field(
                frame, UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: valueCount))
            return 0
        }
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            // Malformed, which is a stream error (RFC 9113 section 8.1.1); nghttp2 would pass over the field.
            Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, context in
            guard let bytes, let session = session(context) else { return 0 }
            return session.content(id, bytes, count)
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame, let session = session(context) else { return 0 }
            session.frameReceived(frame)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame, let session = session(context) else { return 0 }
            session.frameSent(frame)
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, context in
            session(context)?.streamClosed(id, code)
            return 0
        }
        nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, _, context in
            guard let frame, let header, let session = session(context) else {
                return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
            }
            return session.sendContent(frame.pointee.hd.stream_id, header, count)
        }
    }

    /// Where nghttp2 gets the content of DATA frames.
    static var content: nghttp2_data_provider {
        nghttp2_data_provider(
            source: nghttp2_data_source(),
            read_callback: { _, id, _, limit, flags, _, context in
                guard let flags, let session = session(context) else {
                    return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
                }
                return session.contentToSend(id, limit: limit, flags)
            })
    }
}

private func session(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
    context.map { Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
}

// What nghttp2 tells, while it is at work.
extension HTTP2Session {
    private func stream(_ id: Int32) -> HTTP2StreamPointer? {
        nghttp2_session_get_stream_user_data(session, id)?.assumingMemoryBound(to: HTTP2Stream.self)
    }

    private func isRequest(_ frame: UnsafePointer<nghttp2_frame>) -> Bool {
        frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
    }

    /// What nghttp2 does not mind: PRIORITY without a stream (RFC 9113 section 6.3), since priorities are not kept, and
    /// streams that were passed over (section 5.1.1).
    fileprivate func frameBegins(_ header: UnsafePointer<nghttp2_frame_hd>) {
        guard role == .server else { return }
        let id = header.pointee.stream_id
        switch UInt32(header.pointee.type) {
        case NGHTTP2_PRIORITY.rawValue: if id == 0 { terminate(NGHTTP2_PROTOCOL_ERROR) }
        case NGHTTP2_HEADERS.rawValue: if !order.admits(id) { terminate(NGHTTP2_PROTOCOL_ERROR) }
        default: break
        }
    }

    fileprivate func beginHead(_ frame: UnsafePointer<nghttp2_frame>) {
        headID = frame.pointee.hd.stream_id
        if isRequest(frame) { requestText.begin(limit: headLimit) } else { fieldText.begin(limit: headLimit) }
    }

    fileprivate func field(
        _ frame: UnsafePointer<nghttp2_frame>, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
    ) {
        if isRequest(frame) { requestText.add(name, value) } else { fieldText.add(name, value) }
    }

    fileprivate func frameReceived(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = frame.pointee.hd
        let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        var isTolerable = true
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            conduct.noted(payload: header.length)
            headID = 0
            headComplete(frame, endsStream)
            if endsStream { noteEnd(header.stream_id) }
        case NGHTTP2_DATA.rawValue:
            conduct.noted(payload: header.length)
            if endsStream { noteEnd(header.stream_id) }
        case NGHTTP2_RST_STREAM.rawValue:
            if role == .server { isTolerable = conduct.reset(now: now) }
        case NGHTTP2_GOAWAY.rawValue:
            // nghttp2 closes the streams that the peer will not have looked at, as refused. A client only says that it takes no
            // pushes, and may ask on.
            if role == .client { isRefusingRequests = true }
        case NGHTTP2_SETTINGS.rawValue: hasSettings = true
        case NGHTTP2_PING.rawValue:
            if isGoingAway, header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 { takeNoMore() }
        default: break
        }
        if !isTolerable { terminate(NGHTTP2_ENHANCE_YOUR_CALM) }
    }

    private func headComplete(_ frame: UnsafePointer<nghttp2_frame>, _ endsStream: Bool) {
        let id = frame.pointee.hd.stream_id
        let start = text.count
        if isRequest(frame) {
            var event = HTTP2Event(kind: .head, id: id)
            let key = requestText.isWebSocket ? WebSocketKey() : nil
            event.status =
                text.count > Self.maxTextBytes ? 431 : requestText.finish(endsStream: endsStream, key: key, to: &text)
            event.range = start..<text.count
            event.endsStream = endsStream
            events.append(event)
            return
        }
        let isTrailers = role == .server || fieldText.status == 0
        var event = HTTP2Event(kind: isTrailers ? .trailers : .head, id: id, owner: stream(id)?.pointee.owner ?? 0)
        if isTrailers {
            if !fieldText.isMalformed { text += fieldText.lines }
        } else {
            fieldText.finish(to: &text)
        }
        event.range = start..<text.count
        event.endsStream = endsStream
        events.append(event)
    }

    private func noteEnd(_ id: Int32) {
        let owner = stream(id)
        owner?.pointee.isInputComplete = true
        events.append(HTTP2Event(kind: .end, id: id, owner: owner?.pointee.owner ?? 0))
    }

    fileprivate func content(_ id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        isPaused = true
        // Streams bound what they hold by themselves; the connection's window is there for all of them.
        nghttp2_session_consume_connection(session, count)
        var event = HTTP2Event(kind: .data, id: id, owner: stream(id)?.pointee.owner ?? 0)
        event.bytes = bytes
        event.count = count
        events.append(event)
        return Int32(NGHTTP2_ERR_PAUSE.rawValue)
    }

    fileprivate func streamClosed(_ id: Int32, _ code: UInt32) {
        // Malformed heads do not end otherwise: nghttp2 reads on without telling.
        if id == headID { headID = 0 }
        guard let stream = stream(id) else { return }
        var event = HTTP2Event(kind: .closed, id: id, owner: stream.pointee.owner)
        event.code = code
        events.append(event)
    }

    fileprivate func frameSent(_ frame: UnsafePointer<nghttp2_frame>) {
        let header = frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_RST_STREAM.rawValue: resetSent(frame.pointee.rst_stream.error_code)
        case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
            conduct.noted(payload: header.length)
            guard let stream = stream(header.stream_id) else { return }
            // nghttp2 tells of a frame when it is asked for the next one.
            if stream.pointee.headEnd == .max { stream.pointee.headEnd = writtenCount + UInt64(outgoing.count) }
            guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 else { return }
            stream.pointee.hasEnded = true
            if role == .server, !stream.pointee.isInputComplete {
                events.append(HTTP2Event(kind: .endedEarly, id: header.stream_id, owner: stream.pointee.owner))
            }
        default: break
        }
    }

    private func resetSent(_ code: UInt32) {
        guard role == .server, HTTP2Conduct.isProvoked(resetCode: code) else { return }
        if !conduct.reset(now: now) { terminate(NGHTTP2_ENHANCE_YOUR_CALM) }
    }

    // MARK: Sending

    fileprivate func contentToSend(_ id: Int32, limit: Int, _ flags: UnsafeMutablePointer<UInt32>) -> Int {
        guard let stream = stream(id) else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let waiting = stream.pointee.output.pointee.count
        let count = min(waiting, limit)
        if count == waiting, stream.pointee.isOutputComplete {
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if !stream.pointee.trailers.isEmpty {
                flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                submitTrailers(stream)
            }
        } else if count == 0 {
            stream.pointee.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        if count > 0 { flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
        return count
    }

    private func submitTrailers(_ stream: HTTP2StreamPointer) {
        var lines: [UInt8] = []
        swap(&lines, &stream.pointee.trailers)
        lines.withUnsafeMutableBufferPointer { lines in
            guard let base = lines.baseAddress else { return }
            var block = HTTP2FieldBlock()
            block.add(lines: base, lines.count)
            _ = block.withFields { fields, count in
                nghttp2_submit_trailer(session, stream.pointee.id, fields, count)
            }
            block.deallocate()
        }
    }

    fileprivate func sendContent(_ id: Int32, _ header: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        guard let stream = stream(id) else { return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let output = stream.pointee.output
        guard output.pointee.count >= count else { return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        guard outgoing.room >= count + 9 else { return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue) }
        // Nine bytes of a frame's header (RFC 9113 section 4.1); padding is never asked for.
        outgoing.append(header, 9)
        outgoing.append(output.pointee.bytes, count)
        output.pointee.start += count
        stream.pointee.hasProgressed = true
        // The answer is waited for from when a request is out; a response that is out is waited for by nobody.
        if output.pointee.isEmpty, role == .client || !stream.pointee.isOutputComplete {
            events.append(HTTP2Event(kind: .drained, id: id, owner: stream.pointee.owner))
        }
        return 0
    }
}
