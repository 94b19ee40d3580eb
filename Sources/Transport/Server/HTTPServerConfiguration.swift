package import NetworkTypes

/// Limits and times of an ``HTTPServer``. The defaults suit an API server.
package struct HTTPServerConfiguration: Sendable {
    /// nil serves plain text on TCP. Unix sockets are always plain.
    package var tls: TLSContext?
    /// Longer request bodies get 413.
    package var maxBodyBytes = 3 * 1024 * 1024
    /// Longer request heads get 431.
    package var maxHeadBytes = 32 * 1024
    /// A connection is closed when it has been without a request for this time. Streams may idle for ever.
    package var idleTimeout: Duration = .seconds(180)
    /// A request head once begun, and a connection's first request (with TLS: its handshake too), must arrive within this
    /// time.
    package var headTimeout: Duration = .seconds(30)
    /// A request's body must be complete this long after the handler asked for it; the wait for `bodyBudget` counts.
    package var bodyTimeout: Duration = .seconds(60)
    /// A client has to take ``DeliveryPace/minimum`` bytes of its answers, or all there are, within every such time: HTTP/1
    /// connections of others are closed, HTTP/2 streams reset.
    package var stallTimeout: Duration = .seconds(30)
    /// A tunnel (``HTTPResponder/upgrade(headers:input:)``) of which one direction has ended is closed when nothing has
    /// passed for this time in the other. Whole ones may idle for ever.
    package var halfClosedTimeout: Duration = .seconds(300)
    /// What the bodies of all requests may take at once; a body waits unread until it has room, 429 if too many wait.
    package var bodyBudget = ByteBudget(capacity: 64 << 20)
    /// What of it one HTTP/2 connection may have (HTTP/1 has one body at a time).
    package var maxBodyBytesPerConnection = 16 << 20
    /// Counts the bytes of complete answers above 16 KiB that clients have not taken yet: who makes answers can hold back.
    package var answers = ByteGauge()
    static let countedAnswer = 16 << 10
    /// TLS handshakes under way on each loop; another one ends the oldest of the peer that has the most, if that is waiting
    /// for its client.
    package var maxHandshakes = 1000
    /// HTTP/2 streams a client may have open on one connection.
    package var maxConcurrentStreams = 250
    /// Simultaneous connections over all loops. At most half of those over the network are without a request, and these make
    /// room for newcomers (``UnprovenConnections``). Where there is no such connection more of them wait in the kernel's
    /// queue, and more of one peer are closed.
    package var connections = ConnectionAdmission.Limits(network: 20_000)
    /// Counts what is closed for want of room, and tells of it.
    package var crowding = CrowdingWatch()
    /// Told once about an address of this machine that a listener on all of them could not open although it should.
    package var onRefusedAddress: @Sendable (SocketAddress, TransportError) -> Void = { _, _ in }
    /// The response to a request that is refused before the handler sees it: its status (400, 413, 431, …) and the reason
    /// in words. Framing headers set in it are ignored.
    package var refusal: @Sendable (_ status: Int, _ reason: String) -> HTTPResponse = { status, reason in
        HTTPResponse(status: status, text: reason + "\n")
    }

    package init(tls: TLSContext? = nil) { self.tls = tls }
}
