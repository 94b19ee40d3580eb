internal import Glibc
internal import NetworkTypes
internal import Transport

/// One connection of a client: its socket and what waits to be read or written there. The request on it is an
/// ``Exchange`` of its own. A plain struct in a slab.
///
/// A connection with HTTP/2 has a slot too, ``Phase/multiplexed``, and each of its streams one more: a client without a
/// socket and with one request, whose ``carrier`` is the connection.
struct ClientConnection {
    enum Phase: UInt8 {
        /// Between requests, or with part of a head (or in the TLS handshake).
        case readingHead
        /// Carries ``exchange``.
        case exchanging
        /// Bytes in both directions after a 101; carries ``exchange`` too.
        case tunnel
        /// The response is complete but not all of it was taken by the client; then the next request.
        case flushing
        /// As ``flushing``, then the connection ends.
        case flushingToClose
        /// Our side is closed; what the client still sends is thrown away, so that it can read our answer.
        case lingering
        /// Carries the streams of ``session``, which have slots of their own.
        case multiplexed
    }

    var phase = Phase.readingHead
    var socket = StreamSocket(descriptor: -1)
    var registration: LoopRegistration?
    /// The request that is being answered.
    var exchange = Handle<Party.Exchanges>.none
    /// The connection that a stream is on; none for a connection.
    var carrier = Handle<Party.Clients>.none
    /// Of a question of the proxy's own, which has no socket: whose request it is about.
    var asker = Handle<Party.Exchanges>.none
    /// Of a stream, until it is closed.
    var stream: HTTP2StreamPointer?
    /// Of a connection with HTTP/2; held by it.
    var session: Unmanaged<HTTP2Session>?
    /// Of a connection: what the client has shown of itself, once somebody wanted to know; held by it.
    var certificate: Unmanaged<ClientCertificate>?
    /// Which listener it came from.
    var listener: Int32 = 0
    var address = SocketAddress(ip: .anyV4, port: 0)
    /// `address.ip` as text.
    var addressText = InlineArray<46, UInt8>(repeating: 0)
    var addressCount: UInt8 = 0

    /// Bytes read and not used yet: part of a head, the next request, or body the upstream cannot take now.
    var input = ByteBuffer()
    /// How far `input` has been searched for the end of the head.
    var scanned = 0
    /// Bytes to be sent when the client can take them.
    var output = ByteBuffer()

    /// The kernel may have bytes for us.
    var mayRead = false
    /// The client has closed its sending side.
    var peerClosed = false
    /// A TLS listener's, of which nothing has been read: costs no TLS state yet.
    var awaitsTLS = false
    /// TLS has begun and nothing that it protects has come yet.
    var isHandshaking = false
    /// A header of the PROXY protocol has to come first.
    var awaitsProxyHeader = false
    /// The client is on the other side of TLS.
    var isSecure = false
    var requestsServed: Int32 = 0
    var lingering = LingeringClose()
    var deadlineHead: Int64 = .max

    /// So many bytes were read where there was room for more: a short read has emptied the socket, and the next bytes raise
    /// another event. Not so with TLS records, nor where the peer has ended.
    @inline(__always)
    mutating func noteRead(_ count: Int, of room: Int) {
        if count < room, !peerClosed, socket.tls == nil { mayRead = false }
    }

    /// Drops empty lines in front of a request (RFC 9112 section 2.2): some clients send one behind a body, and that is
    /// no beginning of a request.
    mutating func dropEmptyLines() {
        while input.count >= 2, input.bytes[0] == 0x0D, input.bytes[1] == 0x0A {
            input.start += 2
            scanned = 0
        }
    }

    /// Whether the input holds the end of a head: looks at every byte once, however slowly they come.
    mutating func hasWholeHead() -> Bool {
        let bytes = input.bytes
        let count = input.count
        var index = max(0, scanned - 3)
        while index < count {
            guard let found = memchr(bytes + index, 0x0A, count - index) else { break }
            let position = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(bytes)
            if position + 1 < count, bytes[position + 1] == 0x0A { return true }
            if position + 2 < count, bytes[position + 1] == 0x0D, bytes[position + 2] == 0x0A { return true }
            index = position + 1
        }
        scanned = count
        return false
    }
}
