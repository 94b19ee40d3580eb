internal import CNGHTTP2

/// The C functions between nghttp2 and ``HTTP2ServerEngine``: they find the engine and pass the event on.
enum HTTP2Callbacks {
    static func install(on callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame, let engine = serverEngine(context) else { return 0 }
            if frame.pointee.hd.type == UInt8(NGHTTP2_HEADERS.rawValue) {
                engine.beginHeaders(frame.pointee.hd.stream_id)
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, context in
            guard let frame, let engine = serverEngine(context) else { return 0 }
            engine.header(
                frame.pointee.hd.stream_id, UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: valueCount))
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, data, count, context in
            serverEngine(context)?.data(id, UnsafeBufferPointer(start: data, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame, let engine = serverEngine(context) else { return 0 }
            let header = frame.pointee.hd
            let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            switch UInt32(header.type) {
            case NGHTTP2_HEADERS.rawValue:
                engine.note(payload: header.length)
                engine.headersComplete(header.stream_id, endsStream: endsStream)
                if endsStream { engine.requestComplete(header.stream_id) }
            case NGHTTP2_DATA.rawValue:
                engine.note(payload: header.length)
                if endsStream { engine.requestComplete(header.stream_id) }
            case NGHTTP2_RST_STREAM.rawValue: engine.countReset()
            default: break
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame, let engine = serverEngine(context) else { return 0 }
            switch UInt32(frame.pointee.hd.type) {
            case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue: engine.note(payload: frame.pointee.hd.length)
            case NGHTTP2_RST_STREAM.rawValue:
                if HTTP2Conduct.isProvoked(resetCode: frame.pointee.rst_stream.error_code) { engine.countReset() }
            default: break
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, context in
            serverEngine(context)?.streamClosed(id)
            return 0
        }
        nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, _, context in
            guard let frame, let header, let engine = serverEngine(context) else {
                return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
            }
            // Nine bytes of a frame's header (RFC 9113, 4.1); padding is never asked for.
            switch engine.sendBody(frame.pointee.hd.stream_id, UnsafeRawBufferPointer(start: header, count: 9), count) {
            case .sent: return 0
            case .full: return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue)
            case .broken: return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
            }
        }
    }

    /// Where nghttp2 gets the content of DATA frames: it asks how much there is, and has it sent as it is, uncopied.
    static var bodyProvider: nghttp2_data_provider {
        nghttp2_data_provider(
            source: nghttp2_data_source(),
            read_callback: { _, id, buffer, limit, flags, _, context in
                guard let engine = serverEngine(context) else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                let scratch = UnsafeMutableRawBufferPointer(start: buffer, count: limit)
                switch engine.bodyPart(id, limit: limit, scratch) {
                case .none: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
                case .broken: return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
                case .bytes(let count, let isLast):
                    if isLast { flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
                    if count > 0 { flags?.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
                    return count
                case .copied(let count, let isLast):
                    if isLast { flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
                    return count
                }
            })
    }
}

private func serverEngine(_ context: UnsafeMutableRawPointer?) -> HTTP2ServerEngine? {
    context.map { Unmanaged<HTTP2ServerEngine>.fromOpaque($0).takeUnretainedValue() }
}
