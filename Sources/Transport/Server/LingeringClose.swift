/// What a connection may still send once our side of it is closed.
///
/// A socket that is closed over unread bytes is reset, and the peer may lose the answer that tells it why: so we half-close, and
/// throw away what was on its way. More than the buffers of both sockets hold is not on its way any more but sent by somebody
/// who does not look at the answer; 4 MiB and 6 MiB are Linux' largest by default (`tcp_wmem`, `tcp_rmem`).
package struct LingeringClose: Sendable {
    /// Bytes of the socket, those of TLS included.
    package static let maxBytes = 12 << 20

    private var bytes = 0

    package init() {}

    /// Bytes were thrown away.
    ///
    /// - Returns: whether the connection may go on to linger.
    package mutating func discarded(_ count: Int) -> Bool {
        bytes += count
        return bytes <= Self.maxBytes
    }
}
