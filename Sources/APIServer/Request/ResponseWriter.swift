/// Where a response goes. Exactly one of the two calls is made, once, from any thread.
protocol ResponseWriter: AnyObject, Sendable {
    func send(_ response: OutgoingResponse)
    /// Sends the head and leaves the body open.
    func startStream(contentType: String) -> any ResponseStream
}

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

/// Where work continues that may not stay on the thread it is on (the store's writer).
protocol WorkQueue: Sendable {
    /// Runs `job` soon, on some thread that may compute but not block.
    func run(_ job: @escaping @Sendable () -> Void)
    /// Runs `job` after a while.
    func run(afterMilliseconds: Int, _ job: @escaping @Sendable () -> Void) -> any ScheduledWork
}

/// A job that waits for its time.
protocol ScheduledWork: AnyObject, Sendable {
    func cancel()
}
