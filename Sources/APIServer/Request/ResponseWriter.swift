import Transport

/// The way back to a request's client. Exactly one of `send` and `startStream` is called, once, from any thread.
protocol ResponseWriter: AnyObject, Sendable {
    /// Has the body of `sender`'s request read, at most once and before the answer. `completion` is called once, on any
    /// thread.
    func readBody(
        of sender: RequestSender, _ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void)
    /// Calls the response's `onSent` once it has left, or never will.
    func send(_ response: OutgoingResponse)
    /// Sends the head and leaves the body open.
    func startStream(contentType: String, warnings: [String]) -> any ResponseStream
    /// Sends a head as it is and leaves the body open, for what another server answers.
    func startBody(status: Int, headers: [(name: String, value: String)]) -> any BodyStream
    /// Answers 101 with `headers` and leaves HTTP: `receive` is called with what the client sends and then, once, `ended`,
    /// both on the connection's loop. Where the client can't, the stream is closed from the beginning.
    func startTunnel(
        headers: [(name: String, value: String)], receive: @escaping @Sendable ([UInt8]) -> Void,
        ended: @escaping @Sendable () -> Void
    ) -> any TunnelStream
    /// Calls `handler` once if the client goes away before an answer.
    func onClose(_ handler: @escaping @Sendable () -> Void)
}
