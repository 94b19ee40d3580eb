package import NetworkTypes
internal import Synchronization

/// A client for one server, with a pool of HTTP/1.1 keep-alive connections on the given loops.
///
/// Errors are ``TransportError``; a cancelled task gets `CancellationError`, and its connection is closed. Redirects
/// and statuses are the caller's affair.
package final class HTTPClient: Sendable {
    package enum Endpoint: Sendable, Hashable {
        /// A host name or an address without brackets.
        case tcp(host: String, port: Port)
        case unix(path: String)
    }

    private let endpoint: Endpoint
    private let tls: TLSContext?
    private let loops: [EventLoop]
    private let headers: HTTPHeaders
    private let host: String
    private let liveness: ConnectionLiveness
    private let connectTimeout: Duration
    private let pool = ClientPool()
    private let nextLoop = Atomic<Int>(0)

    /// `headers` are added to every request that does not set them (`Authorization`, `User-Agent`). `loops` must not
    /// be empty. An address that does not answer a connection attempt within `connectTimeout` is given up for the
    /// host's next one.
    package init(
        endpoint: Endpoint, tls: TLSContext? = nil, loops: [EventLoop], headers: HTTPHeaders = [:],
        liveness: ConnectionLiveness = .client, connectTimeout: Duration = .seconds(10)
    ) {
        precondition(!loops.isEmpty, "a client needs an event loop")
        self.endpoint = endpoint
        self.tls = tls
        self.loops = loops
        self.headers = headers
        self.liveness = liveness
        self.connectTimeout = connectTimeout
        switch endpoint {
        case .unix: host = "localhost"
        case .tcp(let name, let port):
            let bracketed = name.utf8.contains(UInt8(ascii: ":")) ? "[\(name)]" : name
            host = port == (tls == nil ? 80 : 443) ? bracketed : "\(bracketed):\(port)"
        }
    }

    deinit { pool.shutdown() }

    /// Sends a request and collects the response.
    package func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let (exchange, head) = try await start(request)
        defer { exchange.stopAnswerTimer() }
        var body: [UInt8] = []
        while let chunk = try await exchange.nextChunk() {
            if body.isEmpty { body = chunk } else { body.append(contentsOf: chunk) }
        }
        return HTTPClientResponse(status: head.status, headers: head.headers, body: body)
    }

    /// Sends a request and returns as soon as the head of the response is there.
    package func stream(_ request: HTTPClientRequest) async throws -> HTTPClientStream {
        let (exchange, head) = try await start(request)
        exchange.stopAnswerTimer()
        return HTTPClientStream(
            status: head.status, headers: head.headers, body: HTTPClientBody(exchange: exchange),
            upgrade: head.upgrade)
    }

    /// Closes idle connections and refuses further requests; running ones go on.
    package func shutdown() { pool.shutdown() }

    /// Sends the request up to the head of its response; a second time on a new connection if a pooled one was stale.
    private func start(_ request: HTTPClientRequest) async throws -> (ClientExchange, ClientExchange.Head) {
        let encoded = try encode(request)
        var isRetry = false
        while true {
            try Task.checkCancellation()
            let exchange = ClientExchange(
                encodedRequest: encoded, isHead: request.method == .head, allowsUpgrade: request.asksForUpgrade)
            let pooled = isRetry ? nil : try pool.take()
            let connection: ClientConnection
            if let pooled { connection = pooled } else { connection = try await connect() }
            exchange.startTimers(for: request, on: connection.loop)
            connection.loop.execute { connection.begin(exchange) }
            do {
                return (exchange, try await exchange.head())
            } catch let failure as ClientExchange.Unanswered {
                // RFC 9110, 9.2.2: only what is idempotent, or was certainly not seen, may be sent again.
                guard failure.wasReused, !isRetry, request.method.isIdempotent || !failure.wasSent else {
                    throw failure.cause
                }
                isRetry = true
            }
        }
    }

    private func connect() async throws -> ClientConnection {
        let loop = loops[nextLoop.add(1, ordering: .relaxed).newValue.magnitudeModulo(loops.count)]
        switch endpoint {
        case .unix(let path):
            return ClientConnection(loop: loop, pool: pool, target: .unix(path), tls: nil, serverName: nil)
        case .tcp(let name, let port):
            let addresses = try await HostResolver.resolve(host: name, port: port)
            return ClientConnection(
                loop: loop, pool: pool, target: .tcp(addresses, liveness, connectTimeout: connectTimeout),
                tls: tls, serverName: name)
        }
    }

    private func encode(_ request: HTTPClientRequest) throws(TransportError) -> [UInt8] {
        let target = request.target.utf8
        guard target.first == UInt8(ascii: "/"), target.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw TransportError(.invalidArgument, "\(request.target) is not a request target")
        }
        guard !request.method.rawValue.isEmpty, request.method.rawValue.utf8.allSatisfy(HTTP1Scan.isToken) else {
            throw TransportError(.invalidArgument, "\(request.method) is not a method")
        }
        var output: [UInt8] = []
        output.reserveCapacity(512 + request.body.count)
        HTTP1ResponseEncoder.append(text: request.method.rawValue, to: &output)
        output.append(0x20)
        output.append(contentsOf: target)
        HTTP1ResponseEncoder.append(" HTTP/1.1\r\n", to: &output)
        if !request.headers.contains(name: "Host") { append("Host", host, to: &output) }
        for field in request.headers where !Self.isFraming(field.name) { append(field.name, field.value, to: &output) }
        for field in headers where !request.headers.contains(name: field.name) {
            append(field.name, field.value, to: &output)
        }
        if request.asksForUpgrade { append("Connection", "Upgrade", to: &output) }
        if !request.body.isEmpty || ![.get, .head, .delete, .options].contains(request.method) {
            append("Content-Length", String(request.body.count), to: &output)
        }
        HTTP1ResponseEncoder.append("\r\n", to: &output)
        output.append(contentsOf: request.body)
        return output
    }

    private func append(_ name: String, _ value: String, to output: inout [UInt8]) {
        HTTP1ResponseEncoder.append(text: name, to: &output)
        HTTP1ResponseEncoder.append(": ", to: &output)
        HTTP1ResponseEncoder.append(text: value, to: &output)
        HTTP1ResponseEncoder.append("\r\n", to: &output)
    }

    private static func isFraming(_ name: String) -> Bool {
        switch name.lowercased() {
        case "content-length", "transfer-encoding", "connection": true
        default: false
        }
    }
}

extension Int {
    /// The remainder of a counter that may have wrapped.
    fileprivate func magnitudeModulo(_ count: Int) -> Int { Int(magnitude % UInt(count)) }
}
