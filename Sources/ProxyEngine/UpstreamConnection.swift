internal import Transport

/// One connection to an endpoint: in the pool, or serving one client. A plain struct in a slab.
struct UpstreamConnection {
    enum Phase: UInt8 {
        case free, connecting
        /// A request is on it.
        case active
        /// In its endpoint's list of idle connections.
        case idle
        case tunnel
    }

    let index: Int32
    var phase = Phase.free
    var socket = StreamSocket(descriptor: -1)
    var registration: LoopRegistration?
    /// Index of the client connection it works for, or -1.
    var client: Int32 = -1
    /// Index of its endpoint.
    var endpoint: Int32 = -1
    /// Neighbours in the idle list.
    var nextIdle: Int32 = -1
    var previousIdle: Int32 = -1

    /// Part of a response head.
    var input = ByteBuffer()
    /// Request body or tunnel bytes the upstream has not taken yet.
    var output = ByteBuffer()
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

    init(index: Int32) { self.index = index }
}
