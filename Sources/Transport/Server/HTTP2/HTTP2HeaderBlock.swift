internal import CNGHTTP2

/// The fields of one head on their way to nghttp2, which copies them. Used again for the next one, without allocating:
/// a loop has one for all of its connections.
struct HTTP2HeaderBlock {
    private var bytes: [UInt8] = []
    private var lengths: [(name: Int, value: Int)] = []
    private var fields: [nghttp2_nv] = []

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    /// Adds a field, its name in lower case (RFC 9113, 8.2.1). Control characters from a handler become spaces.
    mutating func add(_ name: String, _ value: String) {
        let start = bytes.count
        HTTP1ResponseEncoder.append(text: name, to: &bytes)
        for place in start..<bytes.count { bytes[place] = bytes[place].asciiLowercased }
        HTTP1ResponseEncoder.append(text: value, to: &bytes)
        lengths.append((name.utf8.count, value.utf8.count))
    }

    /// Lends the fields, in order.
    mutating func withFields(_ body: (UnsafePointer<nghttp2_nv>, Int) -> Int32) -> Int32 {
        var fields: [nghttp2_nv] = []
        swap(&fields, &self.fields)
        fields.removeAll(keepingCapacity: true)
        let lengths = lengths
        let result = bytes.withUnsafeMutableBufferPointer { bytes -> Int32 in
            guard var position = bytes.baseAddress else { return 0 }
            for (name, value) in lengths {
                fields.append(
                    nghttp2_nv(
                        name: position, value: position + name, namelen: name, valuelen: value,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                position += name + value
            }
            return body(fields, fields.count)
        }
        swap(&fields, &self.fields)
        return result
    }

    /// Whether a field does not exist in HTTP/2 (RFC 9113, 8.2.2), or is the server's own to send.
    static func isConnectionSpecific(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4, 7, 10, 14, 16, 17: connectionSpecific.contains(name.lowercased())
        default: false
        }
    }

    private static let connectionSpecific: Set<String> = [
        "connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "content-length", "date",
    ]
}
