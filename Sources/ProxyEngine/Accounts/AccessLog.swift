package import NetworkTypes

/// Receives one record for each finished request. Called on the event loop that served it: it must not block.
package protocol AccessLog: Sendable {
    func record(_ entry: borrowing AccessRecord)
}

/// A finished request. The strings are made when they are asked for: a log that samples pays for what it reads.
package struct AccessRecord: ~Copyable {
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

    /// The request line as received, bytes that are not UTF-8 replaced.
    package var requestLine: String {
        let line = head.prefix { $0 != 0x0D }
        return String(decoding: line, as: UTF8.self)
    }
}
