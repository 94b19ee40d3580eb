import Transport

@testable import APIServer

/// The answer to one request.
final class SingleResponse: ResponseWriter {
    private let body: @Sendable (OutgoingResponse) -> Void
    private let stream: (any ResponseStream)?

    init(stream: (any ResponseStream)? = nil, _ body: @escaping @Sendable (OutgoingResponse) -> Void) {
        self.body = body
        self.stream = stream
    }

    func readBody(
        of sender: RequestSender, _ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void
    ) {
        completion(.success([]))
    }

    func send(_ response: OutgoingResponse) {
        response.onSent?()
        body(response)
    }

    func startBody(status: Int, headers: [(name: String, value: String)]) -> any BodyStream {
        CollectedBody(status: status, headers: headers, body)
    }

    func startTunnel(
        headers: [(name: String, value: String)], receive: @escaping @Sendable ([UInt8]) -> Void,
        ended: @escaping @Sendable () -> Void
    ) -> any TunnelStream { ClosedTunnel() }

    func onClose(_ handler: @escaping @Sendable () -> Void) {}

    func startStream(contentType: String, warnings: [String]) -> any ResponseStream { stream ?? TestWatch() }
}
