/// A request to the API server.
public struct APIRequest: Sendable {
    public var method: String
    /// The path and query, percent-encoded.
    public var target: String
    public var contentType: String?
    public var accept: String
    public var body: [UInt8]
    /// For the whole exchange, or for the head of a stream; nil for no limit.
    public var timeout: Duration?
    /// The longest time without a byte of the answer; nil for no limit.
    public var silence: Duration?
    /// For the whole answer, of a stream too; nil for no limit.
    public var lifetime: Duration?

    public init(
        method: String, target: String, contentType: String? = nil, accept: String = "application/json",
        body: [UInt8] = [], timeout: Duration? = .seconds(30), silence: Duration? = nil, lifetime: Duration? = nil
    ) {
        self.method = method
        self.target = target
        self.contentType = contentType
        self.accept = accept
        self.body = body
        self.timeout = timeout
        self.silence = silence
        self.lifetime = lifetime
    }
}

/// A whole answer.
public struct APIResponse: Sendable {
    public var status: Int
    public var body: [UInt8]
    /// From `Retry-After`.
    public var retryAfterSeconds: Int?

    public init(status: Int, body: [UInt8], retryAfterSeconds: Int? = nil) {
        self.status = status
        self.body = body
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// An answer whose body arrives over time.
public struct APIStream: Sendable {
    public var status: Int
    /// The body as it arrives, in pieces that mean nothing. Dropping the sequence closes the stream.
    public var chunks: AsyncThrowingStream<[UInt8], any Error>

    public init(status: Int, chunks: AsyncThrowingStream<[UInt8], any Error>) {
        self.status = status
        self.chunks = chunks
    }
}

/// Carries requests to an API server: over HTTP in production (`HTTPTransport`), in memory in tests (`InMemoryAPI`).
public protocol APITransport: Sendable {
    /// Sends a request and waits for the whole answer. Cancellation gives up waiting.
    ///
    /// - Throws: `ClientError` with code `unreachable` when there is no answer; any answer at all is returned.
    func send(_ request: APIRequest) async throws -> APIResponse

    /// Sends a request and returns as soon as the answer's head is there.
    func open(_ request: APIRequest) async throws -> APIStream
}
