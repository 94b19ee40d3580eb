/// The open body of a watch. Callable from any thread; never blocks.
protocol ResponseStream: AnyObject, Sendable {
    func write(_ chunk: [UInt8])
    /// Bytes written here that the client has not taken yet.
    var pendingBytes: Int { get }
    /// Ends the body properly.
    func finish()
    /// Cuts the connection: the client was too slow.
    func cancel()
    /// Calls `handler` once when the client is gone or the body has ended; at once if that has happened already.
    func onClose(_ handler: @escaping @Sendable () -> Void)
}

/// The open body of an answer that comes from elsewhere, piece by piece.
protocol BodyStream: ResponseStream {
    /// Calls `body` once when no more than `limit` bytes are pending or the body has ended. One waits at a time.
    func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void)
}
