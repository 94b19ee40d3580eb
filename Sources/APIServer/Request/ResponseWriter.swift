import Transport

/// The way back to a request's client. Exactly one of `send` and `startStream` is called, once, from any thread.
protocol ResponseWriter: AnyObject, Sendable {
    /// Has the request's body read, at most once and before the answer. `completion` is called once, on any thread.
    func readBody(_ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void)
    /// Calls the response's `onSent` once it has left, or never will.
    func send(_ response: OutgoingResponse)
    /// Sends the head and leaves the body open.
    func startStream(contentType: String, warnings: [String]) -> any ResponseStream
    /// Sends a head as it is and leaves the body open, for what another server answers.
    func startBody(status: Int, headers: [(name: String, value: String)]) -> any BodyStream
    /// Calls `handler` once if the client goes away before an answer.
    func onClose(_ handler: @escaping @Sendable () -> Void)
}
