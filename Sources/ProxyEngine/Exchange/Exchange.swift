/// One request and its response, whatever carries them: what must be known of the request until the response is
/// complete. A plain struct in a slab. The client's connection, or one stream of it, names the exchange that it is
/// carrying; the upstream connection that works on it names it too.
struct Exchange {
    enum Phase: UInt8 {
        /// A request was read; the head of its response has not been sent.
        case waiting
        /// The head of the response has been sent.
        case responding
        /// The connections carry another protocol after a 101.
        case switched
    }

    var phase = Phase.waiting
    /// Whose request it is.
    var client = Handle<Party.Clients>.none
    /// The connection that it is on now.
    var upstream = Handle<Party.Upstreams>.none
    /// The endpoint that was asked last.
    var endpoint = Handle<Party.Endpoints>.none
    /// The upstream it was routed to.
    var target = Handle<Party.Targets>.none
    var routeCounter = Handle<Party.Routes>.none
    /// What is being asked about it; see ``ClientConnection/asker``.
    var question = Handle<Party.Clients>.none

    /// The request as it is sent upstream, kept until the first byte of the response, in case it is sent again.
    var request = ByteBuffer()
    /// The line of the client's request, without its end, where the log is to tell of another target than the upstream got.
    var requestLine = ByteBuffer()
    /// How much of `request` the current upstream connection has taken; with HTTP/2, all of it when it was submitted.
    var requestSent = 0
    /// The request's body as far as the client has sent it.
    var body = MessageBody.empty
    /// Bytes that the body may have.
    var maxBodyBytes = Int.max
    /// Until when more of the body must have come: a tick, times the bytes that are worth one.
    var bodyDue: Int64 = 0
    /// The trailer section of the request: as it comes, and when it is whole the lines that may be passed on.
    var trailers = ByteBuffer()
    /// Lines that the response gets from the proxy, each with its end; see ``AddedFields``.
    var responseFields = ByteBuffer()
    /// Where it is counted among its client's; -1 for nowhere. See ``ClientBooks``.
    var place: Int32 = -1
    /// Bytes sent upstream, and to the client.
    var upload: Int64 = 0
    var download: Int64 = 0
    /// Nanoseconds of the loop's clock.
    var startedAt: UInt64 = 0
    /// When the endpoint was chosen that it is with now.
    var attemptedAt: UInt64 = 0
    /// What its endpoint is chosen by; 0 for nothing.
    var key: UInt64 = 0
    /// What its cookie says of the endpoint, or is to say; 0 for nothing.
    var session: UInt64 = 0
    /// What the client was or will be told; 0 as long as that is open.
    var status: Int32 = 0
    var attempts: Int32 = 0
    /// All that were asked before ``endpoint``.
    var tried = TriedEndpoints()
    var flags = RequestFlags()

    /// The whole of `request` is on its way.
    var isRequestSent: Bool { requestSent == request.end }
}

/// What is remembered of a request head.
struct RequestFlags: OptionSet, BitwiseCopyable {
    let rawValue: UInt32

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
    /// The response's end is the connection's end.
    static let endsWithConnection = RequestFlags(rawValue: 512)
    /// A call of gRPC: errors of the proxy's own have its form.
    static let grpc = RequestFlags(rawValue: 1024)
    /// The chunks of the request are taken apart for the upstream.
    static let unchunksRequest = RequestFlags(rawValue: 2048)
    /// It goes to upstreams as HTTP/2, as they were when it was routed: its body is framed for that.
    static let multiplexed = RequestFlags(rawValue: 4096)
    /// The client is to be told another cookie.
    static let newSession = RequestFlags(rawValue: 8192)
    /// The client takes `SameSite=None` for something else.
    static let misreadsSameSite = RequestFlags(rawValue: 16384)
    /// In its upstream's line.
    static let waiting = RequestFlags(rawValue: 32768)
    /// Its password is being checked.
    static let checkingPassword = RequestFlags(rawValue: 65536)
    /// A service is asked about it.
    static let asking = RequestFlags(rawValue: 131_072)
    /// Its trailers go nowhere: who gets them may take them for fields of the head, which say who somebody is.
    static let dropsTrailers = RequestFlags(rawValue: 262_144)
    /// No request: a TLS connection that goes to its upstream as it is.
    static let passesThrough = RequestFlags(rawValue: 524_288)
}
