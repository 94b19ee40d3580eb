internal import NetworkTypes
internal import Transport

/// One connection of a client, and the request on it. A plain struct in a slab; see ``ProxyCore``.
struct ClientConnection {
    enum Phase: UInt8 {
        case free
        /// Between requests, or with part of a head (or in the TLS handshake).
        case readingHead
        /// A request was read; the head of its response has not been sent.
        case waiting
        /// The head of the response has been sent.
        case responding
        /// Bytes in both directions after a 101.
        case tunnel
        /// The response is complete but not all of it was taken by the client; then the next request.
        case flushing
        /// As ``flushing``, then the connection ends.
        case flushingToClose
        /// Our side is closed; what the client still sends is thrown away, so that it can read our answer.
        case lingering
    }

    let index: Int32
    var phase = Phase.free
    var socket = StreamSocket(descriptor: -1)
    var registration: LoopRegistration?
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
    /// The request as it is sent upstream, kept until the first byte of the response, in case it is sent again.
    var request = ByteBuffer()
    /// How much of `request` the current upstream connection has taken.
    var requestSent = 0

    /// The kernel may have bytes for us.
    var mayRead = false
    /// The client has closed its sending side.
    var peerClosed = false
    var requestsServed: Int32 = 0

    // The current request.
    var body = MessageBody.empty
    var upload: Int64 = 0
    var download: Int64 = 0
    var startedAt: UInt64 = 0
    var deadlineHead: Int64 = .max
    /// Index of the upstream connection, or -1.
    var upstream: Int32 = -1
    /// Index of the endpoint that was asked last, or -1.
    var endpoint: Int32 = -1
    /// Index into the core's upstream states, or -1.
    var upstreamState: Int32 = -1
    /// Counter of the route, or -1.
    var routeCounter: Int32 = -1
    var status: Int32 = 0
    var attempts: Int32 = 0
    var flags = RequestFlags()

    init(index: Int32) { self.index = index }

    /// Back to between two requests; buffers must have been released.
    mutating func resetRequest() {
        body = .empty
        upload = 0
        download = 0
        upstream = -1
        endpoint = -1
        upstreamState = -1
        routeCounter = -1
        status = 0
        attempts = 0
        requestSent = 0
        flags = RequestFlags()
    }
}

/// What is remembered of a request head.
struct RequestFlags: OptionSet, BitwiseCopyable {
    let rawValue: UInt16

    static let keepAlive = RequestFlags(rawValue: 1)
    static let http10 = RequestFlags(rawValue: 2)
    static let head = RequestFlags(rawValue: 4)
    /// Sending it twice is the same as sending it once (RFC 9110 section 9.2.2).
    static let idempotent = RequestFlags(rawValue: 8)
    static let expectsContinue = RequestFlags(rawValue: 16)
    static let upgrade = RequestFlags(rawValue: 32)
    /// Body bytes beyond `request` were sent: it cannot be sent again.
    static let streamedBody = RequestFlags(rawValue: 64)
    /// The response to this client is framed by us in chunks.
    static let chunksResponse = RequestFlags(rawValue: 128)
    /// The response's chunks are taken apart for this client.
    static let unchunksResponse = RequestFlags(rawValue: 256)
    /// The 100 (Continue) has been sent.
    static let continued = RequestFlags(rawValue: 512)
}
