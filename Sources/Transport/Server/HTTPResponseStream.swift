/// A response that is sent while it is produced. Callable from any thread; writes by one thread keep their order.
///
/// Writing never blocks and never fails: a slow client makes ``pendingBytes`` grow, and the writer decides when that
/// is too much. After the client has gone (``onClose(_:)``) writes do nothing.
package final class HTTPResponseStream: Sendable {
    let queue: ResponseStreamQueue
    private let loop: EventLoop
    private let sink: any ResponseSink
    private let exchange: UInt64

    init(loop: EventLoop, sink: any ResponseSink, exchange: UInt64, endsWithServer: Bool = true) {
        self.loop = loop
        self.sink = sink
        self.exchange = exchange
        queue = ResponseStreamQueue(loop: loop, sink: sink, exchange: exchange, endsWithServer: endsWithServer)
    }

    deinit { queue.cancel() }

    /// Queues one piece of the body. The array is shared, not copied; empty arrays are ignored.
    package func write(_ bytes: [UInt8]) { queue.write(bytes) }

    /// Queues several pieces; they leave together where the client keeps up.
    package func write(_ chunks: [[UInt8]]) { queue.write(chunks) }

    /// Bytes written here and not yet handed to the connection's send buffer (which holds at most 64 KiB more).
    package var pendingBytes: Int { queue.pendingBytes }

    /// Calls `body` once when no more than `limit` bytes are pending or the response has ended: at once if that is so
    /// already, else on the loop. For writers that produce faster than a client reads; one waits at a time.
    package func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) {
        queue.onRoom(below: limit, body)
    }

    /// Whether the response has ended, for whatever reason.
    package var isClosed: Bool { queue.isClosed }

    /// Ends the body properly once everything written is sent.
    package func finish() { queue.finish() }

    /// Drops what is pending and breaks the response off, so that the client sees that it is incomplete: HTTP/1
    /// closes the connection, HTTP/2 resets the stream. Has no effect after ``finish()``.
    package func cancel() { queue.cancel() }

    /// Has no more read from a peer that has left HTTP until ``admitInput()``: called from ``UpgradedInput/receive``, it holds
    /// from then on.
    package func holdInput() { order(.hold) }

    package func admitInput() { order(.admit) }

    /// Takes no more from a peer that has left HTTP: what it sends is dropped, and the connection closes when what was written
    /// before ``finish()`` is sent.
    package func refuseInput() { order(.refuse) }

    private func order(_ order: UpgradeOrder) {
        loop.run { [sink, exchange] in sink.order(order, exchange: exchange) }
    }

    /// Calls `body` once when the response has ended: sent completely, cancelled, the client gone or the server
    /// stopped. At once if that has happened already, else on the loop.
    package func onClose(_ body: @escaping @Sendable () -> Void) { queue.onClose(body) }
}
