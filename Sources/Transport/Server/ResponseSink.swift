/// The connection side of an exchange: an HTTP/1 connection or an HTTP/2 session. All methods run on the loop; an
/// exchange that is over already is ignored.
protocol ResponseSink: AnyObject, Sendable {
    /// Sends a whole response for the exchange.
    func respond(_ response: HTTPResponse, exchange: UInt64)
    /// Sends the head of a streamed response, and from then on whatever the stream holds.
    func begin(status: Int, headers: HTTPHeaders, stream: ResponseStreamQueue, exchange: UInt64)
    /// Has the exchange's request body read. `completion` is called once on the loop, unless an answer comes first.
    func readBody(exchange: UInt64, of sender: RequestSender?, _ completion: @escaping RequestBodyReader.Completion)
    /// Answers 101 and leaves HTTP: what the peer sends from then on goes to `input`, what is written to the stream goes out
    /// as it is. HTTP/1.1 only: elsewhere the stream is closed.
    func upgrade(headers: HTTPHeaders, stream: ResponseStreamQueue, input: UpgradedInput, exchange: UInt64)
    /// Of an exchange that has left HTTP.
    func order(_ order: UpgradeOrder, exchange: UInt64)
    /// The stream has new bytes, or was finished or cancelled.
    func streamChanged(exchange: UInt64)
}
