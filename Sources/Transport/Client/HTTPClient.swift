package import NetworkTypes

/// A client for one server, with a pool of HTTP/1.1 keep-alive connections.
package final class HTTPClient: Sendable {
    package enum Endpoint: Sendable, Hashable {
        /// A host name or an address without brackets.
        case tcp(host: String, port: Port)
        case unix(path: String)
    }

    /// `headers` are added to every request that does not set them (`Authorization`, `User-Agent`).
    package init(endpoint: Endpoint, tls: TLSContext? = nil, loops: [EventLoop], headers: HTTPHeaders = [:]) {}

    /// Sends a request and collects the response.
    package func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        throw TransportError(.shutDown, "")
    }

    /// Sends a request and returns as soon as the head of the response is there.
    package func stream(_ request: HTTPClientRequest) async throws -> HTTPClientStream {
        throw TransportError(.shutDown, "")
    }

    /// Closes idle connections and refuses further requests.
    package func shutdown() {}
}

/// A response whose body is still arriving.
package struct HTTPClientStream: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    /// The body in pieces as they arrive; to be iterated once. Ending the iteration early, or dropping the stream,
    /// closes the connection.
    package var body: HTTPClientBody
}

/// The pieces of a response body, with backpressure: the socket is read as long as few bytes wait here.
package struct HTTPClientBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]

    package struct AsyncIterator: AsyncIteratorProtocol {
        package mutating func next() async throws -> [UInt8]? { nil }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}
