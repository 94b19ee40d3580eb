/// Where a response goes. Exactly one of the two calls is made, once, from any thread.
protocol ResponseWriter: AnyObject, Sendable {
    func send(_ response: OutgoingResponse)
    /// Sends the head and leaves the body open.
    func startStream(contentType: String) -> any ResponseStream
}
