/// A response whose body is still arriving.
package struct HTTPClientStream: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    /// The body in pieces as they arrive.
    package var body: HTTPClientBody
    /// After 101: the way to the server. `body` is then what it sends, and closes the connection as other bodies do when it
    /// goes before its end.
    package var upgrade: ClientUpgrade?
}

/// The pieces of a response body, with backpressure: the socket is read as long as few bytes wait here. To be
/// iterated once. When the last copy goes before the end (with its iterators), the connection is closed.
package struct HTTPClientBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]

    /// Not `Sendable`: one task iterates.
    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let handle: Handle

        /// The next piece, nil at the proper end. Throws when the connection breaks before that.
        package mutating func next() async throws -> [UInt8]? {
            try await handle.exchange.nextChunk()
        }
    }

    /// Its end of life is the stream's.
    fileprivate final class Handle: Sendable {
        let exchange: ClientExchange

        init(exchange: ClientExchange) { self.exchange = exchange }

        deinit { exchange.abort(CancellationError()) }
    }

    private let handle: Handle

    init(exchange: ClientExchange) { handle = Handle(exchange: exchange) }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(handle: handle) }
}
