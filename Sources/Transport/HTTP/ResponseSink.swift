/// The connection side of an exchange: an HTTP/1 connection or an HTTP/2 session. All methods run on the loop; an
/// exchange that is over already is ignored.
protocol ResponseSink: AnyObject, Sendable {
    /// Sends a whole response for the exchange.
    func respond(_ response: HTTPResponse, exchange: UInt64)
    /// Sends the head of a streamed response, and from then on whatever the stream holds.
    func begin(status: Int, headers: HTTPHeaders, stream: ResponseStreamQueue, exchange: UInt64)
    /// The stream has new bytes, or was finished or cancelled.
    func streamChanged(exchange: UInt64)
}
