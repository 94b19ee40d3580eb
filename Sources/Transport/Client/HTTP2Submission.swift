internal import CNGHTTP2

/// Hands a request to a session of nghttp2.
enum HTTP2Submission {
    /// - Parameters:
    ///   - fields: pseudo fields first; names in lower case.
    ///   - provider: where the content comes from.
    /// - Returns: the stream that the request is sent on.
    static func submit(
        _ fields: [(name: String, value: String)], to session: OpaquePointer?, _ provider: nghttp2_data_provider
    ) throws(TransportError) -> Int32 {
        var provider = provider
        // nghttp2 copies names and values; the storage has to stay until the call returns.
        var storage: [UInt8] = []
        for (name, value) in fields { storage += Array(name.utf8) + Array(value.utf8) }
        let stream = storage.withUnsafeMutableBufferPointer { bytes -> Int32 in
            var offset = 0
            let pairs = fields.map { name, value in
                let start = bytes.baseAddress.map { $0 + offset }
                offset += name.utf8.count + value.utf8.count
                return nghttp2_nv(
                    name: start, value: start.map { $0 + name.utf8.count }, namelen: name.utf8.count,
                    valuelen: value.utf8.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
            }
            return nghttp2_submit_request(session, nil, pairs, pairs.count, &provider, nil)
        }
        guard stream > 0 else { throw TransportError(.invalidArgument, "the request cannot be sent over HTTP/2") }
        return stream
    }
}
