package import NetworkTypes

/// A finished request. The strings are made when they are asked for: a log that samples pays for what it reads.
package struct AccessRecord: ~Copyable {
    /// The request's head as it came, or as it was sent upstream; empty where it could not be understood.
    let head: UnsafeRawBufferPointer
    /// The status sent, or 499 when the client left before there was one.
    package let status: Int
    /// Bytes of the request's head and body that were sent upstream.
    package let bytesUp: Int
    /// Bytes sent to the client.
    package let bytesDown: Int
    /// From the first byte of the request to the last of the response; resolution is the event loop's clock.
    package let duration: Duration
    package let client: SocketAddress
    /// The endpoint that answered, if one was chosen.
    package let endpoint: SocketAddress?
    package let upstream: String?
    /// The client spoke HTTP/2; ``head`` is the text of HTTP/1.1 that became of its request.
    var isHTTP2 = false
    /// The client's request line, where ``head`` has another target; nil where it has the client's.
    var line: UnsafeRawBufferPointer?

    /// The value of the first field of that name (lower case), bytes as they came; nil without one.
    package func field(_ name: StaticString) -> UnsafeRawBufferPointer? {
        let length = name.utf8CodeUnitCount
        var start = 0
        while let end = lineEnd(from: start) {
            if end - start > length, head[start + length] == 0x3A, isName(name, at: start) {
                var first = start + length + 1
                var last = end
                while first < last, head[first] == 0x20 || head[first] == 0x09 { first += 1 }
                while last > first, head[last - 1] == 0x20 || head[last - 1] == 0x09 { last -= 1 }
                return UnsafeRawBufferPointer(rebasing: head[first..<last])
            }
            if end == start { return nil }
            start = end + 2
        }
        return nil
    }

    /// The request line's bytes as they came; empty where it could not be understood.
    package var requestLineBytes: UnsafeRawBufferPointer {
        line ?? UnsafeRawBufferPointer(rebasing: head[0..<(lineEnd(from: 0) ?? 0)])
    }

    private func lineEnd(from start: Int) -> Int? {
        guard start < head.count else { return nil }
        return head[start...].firstIndex(of: 0x0D)
    }

    private func isName(_ name: StaticString, at start: Int) -> Bool {
        for index in 0..<name.utf8CodeUnitCount where head[start + index] | 0x20 != name.utf8Start[index] {
            return false
        }
        return true
    }

    /// The request line as received, bytes that are not UTF-8 replaced.
    package var requestLine: String {
        String(decoding: line ?? UnsafeRawBufferPointer(rebasing: head.prefix { $0 != 0x0D }), as: UTF8.self)
    }
}
