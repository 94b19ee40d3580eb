import Logging
import NetworkTypes
import Transport

/// A small HTTP server for machines that ask how this node is: answers are at hand, bodies of requests are not read.
final class AnswerServer: Sendable {
    private let server: HTTPServer

    typealias Answer = @Sendable (_ path: String, _ respond: @escaping @Sendable (HTTPResponse?) -> Void) -> Void

    /// - Parameter answer: gives the answer to a path, at once or later; nil for 404. Called on the loop; must not block.
    init(loop: EventLoop, logger: Logger, _ answer: @escaping Answer) {
        var configuration = HTTPServerConfiguration()
        configuration.maxBodyBytes = 1024
        configuration.maxHeadBytes = 8 * 1024
        configuration.idleTimeout = .seconds(30)
        configuration.headTimeout = .seconds(10)
        configuration.connections = .init(network: 64)
        configuration.onRefusedAddress = { logger.warning("health and metrics are not served on \($0): \($1.message)") }
        server = HTTPServer(loops: [loop], configuration: configuration, handler: Handler(answer))
    }

    @discardableResult
    func listen(_ address: SocketAddress) throws(TransportError) -> SocketAddress {
        guard case .tcp(let bound) = try server.listen(.tcp(address)) else { return address }
        return bound
    }

    func stop() async { await server.shutdown(drain: .zero) }

    private final class Handler: HTTPServerHandler {
        private let answer: Answer

        init(_ answer: @escaping Answer) { self.answer = answer }

        func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
            guard request.method == .get || request.method == .head else {
                responder.send(HTTPResponse(status: 405, headers: ["Allow": "GET, HEAD"], text: "GET or HEAD\n"))
                return
            }
            answer(String(request.path)) { response in
                responder.send(response ?? HTTPResponse(status: 404, text: "not found\n"))
            }
        }
    }
}
