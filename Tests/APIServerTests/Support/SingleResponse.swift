@testable import APIServer

/// The answer to one request.
final class SingleResponse: ResponseWriter {
    private let body: @Sendable (OutgoingResponse) -> Void
    private let stream: (any ResponseStream)?

    init(stream: (any ResponseStream)? = nil, _ body: @escaping @Sendable (OutgoingResponse) -> Void) {
        self.body = body
        self.stream = stream
    }

    func send(_ response: OutgoingResponse) { body(response) }

    func startStream(contentType: String) -> any ResponseStream { stream ?? TestWatch() }
}
