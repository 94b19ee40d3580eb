/// Bounds on what one client, one request or one upstream may use. The defaults are those of ingress-nginx where it
/// has the setting; the comment names it.
package struct ProxyLimits: Sendable, Hashable {
    /// Connections of clients over all loops. At most half of them are without a request, and these make room for newcomers
    /// (`UnprovenConnections`). When all are taken, the peer that has the most makes room, also of connections with
    /// requests; only a newcomer of that peer itself is closed at once.
    package var maxConnections = 65_536
    /// TLS handshakes under way on each loop; another one ends the oldest of the peer that has the most, if that is waiting
    /// for its client.
    package var maxHandshakes = 1_000
    /// Connections to endpoints over all loops. One without a request ends where another endpoint needs its place; when all
    /// have one, a further request is answered 502.
    package var maxUpstreamConnections = 65_536
    /// Request or response head in bytes (431 for a request, 502 for a response). At most 60 KiB.
    package var maxHeadBytes = 32 << 10
    /// Request target in bytes: 414 above (`large-client-header-buffers`).
    package var maxTargetBytes = 8 << 10
    /// Request body in bytes: 413 above; nil is unlimited (`proxy-body-size` 1m).
    package var maxBodyBytes: Int? = 1 << 20
    /// Requests on one client connection before it is closed (`keep-alive-requests`).
    package var maxRequestsPerConnection = 1_000
    /// Idle connections kept for one endpoint by one loop (`upstream-keepalive-connections`).
    package var maxIdleConnectionsPerEndpoint = 320
    /// Requests on one upstream connection before it is closed (`upstream-keepalive-requests`).
    package var maxRequestsPerUpstreamConnection = 10_000
    /// Attempts for one request, over all endpoints (`proxy-next-upstream-tries`). At most 8.
    package var maxAttempts = 3

    /// From the first byte of a request (or the accept) to the end of its head: 408 (`client-header-timeout`).
    package var requestHeadTimeout: Duration = .seconds(60)
    /// Between two reads of a request body: 408 (`client-body-timeout`).
    package var requestBodyTimeout: Duration = .seconds(60)
    /// Bytes a second that a request body brings on average over ``requestBodyTimeout``: 408 below it (`MinRate` of Apache's
    /// `RequestReadTimeout`). Not asked of calls of gRPC nor of a request whose response has begun, which may be
    /// conversations; 0 asks it of nobody.
    package var leastBodyRate = 500
    /// Without a request on a kept-alive connection (`keep-alive`).
    package var keepAliveTimeout: Duration = .seconds(75)
    /// To establish a connection to an endpoint (`proxy-connect-timeout`).
    package var connectTimeout: Duration = .seconds(5)
    /// Between two reads from the upstream: 504 before the head, cut off after it (`proxy-read-timeout`).
    package var responseTimeout: Duration = .seconds(60)
    /// Between two writes that a reader accepts, on either side (`proxy-send-timeout`).
    package var writeTimeout: Duration = .seconds(60)
    /// Without a byte in either direction of an upgraded connection.
    package var tunnelIdleTimeout: Duration = .seconds(3_600)
    /// Without a request on a pooled upstream connection (`upstream-keepalive-timeout`).
    package var upstreamIdleTimeout: Duration = .seconds(60)

    package init() {}
}
