/// Limits and times of an ``HTTPServer``. The defaults suit an API server.
package struct HTTPServerConfiguration: Sendable {
    /// nil serves plain text on TCP. Unix sockets are always plain.
    package var tls: TLSContext?
    /// Longer request bodies get 413.
    package var maxBodyBytes = 3 * 1024 * 1024
    /// Longer request heads get 431.
    package var maxHeadBytes = 32 * 1024
    /// A connection without a request is closed after this time (and so is one that stalls within a request or does
    /// not take its response). Streams may idle for ever.
    package var idleTimeout: Duration = .seconds(180)
    /// The TLS handshake, and a request head once begun, must arrive within this time.
    package var headTimeout: Duration = .seconds(30)
    /// HTTP/2 streams a client may have open on one connection.
    package var maxConcurrentStreams = 250
    /// More simultaneous connections than this (over all loops) wait in the kernel's queue.
    package var maxConnections = 20_000
    /// The response to a request that is refused before the handler sees it: its status (400, 413, 431, …) and the reason
    /// in words. Framing headers set in it are ignored.
    package var refusal: @Sendable (_ status: Int, _ reason: String) -> HTTPResponse = { status, reason in
        HTTPResponse(status: status, text: reason + "\n")
    }

    package init(tls: TLSContext? = nil) { self.tls = tls }
}
