internal import Transport

/// One connection to an endpoint: in the pool, or serving one exchange. A plain struct in a slab.
///
/// A connection with HTTP/2 has a slot too, ``Phase/multiplexed``, and each of its streams one more, which serves one
/// exchange and whose ``carrier`` is the connection.
struct UpstreamConnection {
    enum Phase: UInt8 {
        case connecting
        /// A request is on it.
        case active
        /// In its endpoint's list of idle connections.
        case idle
        case tunnel
        /// Carries the streams of ``session``, which have slots of their own.
        case multiplexed
    }

    var phase = Phase.connecting
    var socket = StreamSocket(descriptor: -1)
    var registration: LoopRegistration?
    /// The exchange that it works for.
    var exchange = Handle<Party.Exchanges>.none
    var endpoint = Handle<Party.Endpoints>.none
    /// The connection that a stream is on; none for a connection.
    var carrier = Handle<Party.Upstreams>.none
    /// Of a stream, until it is closed.
    var stream: HTTP2StreamPointer?
    /// Of a connection with HTTP/2; held by it.
    var session: Unmanaged<HTTP2Session>?
    /// Field lines that came behind the content.
    var trailers = ByteBuffer()
    /// The stream ended with the response's head.
    var endsWithHead = false
    /// Neighbours in the idle list.
    var nextIdle = Handle<Party.Upstreams>.none
    var previousIdle = Handle<Party.Upstreams>.none

    /// Ticks that it is waited for: until more of the response is there, and until it takes more of the request.
    var responseTicks: Int64 = 0
    var writeTicks: Int64 = 0

    /// Part of a response head.
    var input = ByteBuffer()
    /// Request body or tunnel bytes the upstream has not taken yet.
    var output = ByteBuffer()
    /// TCP is; the handshake of TLS may be under way.
    var isConnected = false
    /// A connection with HTTP/2 that carries no stream, one of the pool's idle ones.
    var isIdleCarrier = false
    var mayRead = false
    var peerClosed = false
    /// It has served a request before this one, so it may have been closed by the other side at any time.
    var isReused = false
    /// Something of the response has arrived.
    var hasAnswered = false
    /// The response's head has been parsed.
    var hasHead = false
    /// May be used again after this response.
    var isReusable = false
    var requestsServed: Int32 = 0
    var body = MessageBody.empty

    /// So many bytes were read where there was room for more: a short read has emptied the socket, and the next bytes raise
    /// another event. Not so with TLS records, nor where the peer has ended.
    @inline(__always)
    mutating func noteRead(_ count: Int, of room: Int) {
        if count < room, !peerClosed, socket.tls == nil { mayRead = false }
    }

    /// Ready for the next request.
    mutating func attach(to exchange: Handle<Party.Exchanges>) {
        self.exchange = exchange
        hasAnswered = false
        hasHead = false
        isReusable = false
        body = .empty
    }
}
