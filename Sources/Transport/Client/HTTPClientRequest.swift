/// A request to send with ``HTTPClient``. `Host`, `Content-Length` and the client's own headers are added.
package struct HTTPClientRequest: Sendable {
    package var method: HTTPMethod
    /// Path and query, percent-encoded, beginning with `/`.
    package var target: String
    package var headers: HTTPHeaders
    package var body: [UInt8]
    /// Until the whole response has arrived (``HTTPClient/send(_:)``), or its head
    /// (``HTTPClient/stream(_:)``). nil: no limit.
    package var timeout: Duration?
    /// The longest time without a byte of the response, from the request on; waiting for the reader does not count.
    /// nil: no limit.
    package var silence: Duration?
    /// Until the whole response has arrived, of streams too. nil: no limit.
    package var lifetime: Duration?
    /// Asks for the protocols of the field `Upgrade` (RFC 9110, 7.8): the server may answer 101
    /// (``HTTPClientStream/upgrade``), to which the times above do not apply. Only for ``HTTPClient/stream(_:)``.
    package var asksForUpgrade = false

    package init(
        method: HTTPMethod = .get, target: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        timeout: Duration? = .seconds(30), silence: Duration? = nil, lifetime: Duration? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.silence = silence
        self.lifetime = lifetime
    }
}

/// A complete response.
package struct HTTPClientResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: [UInt8]

    package init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
