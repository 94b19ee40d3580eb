import KubeModel
import Transport

/// Puts the request pipeline behind the HTTP server.
struct PipelineHandler: HTTPServerHandler {
    let pipeline: RequestPipeline

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        var incoming = IncomingRequest(
            method: request.method.rawValue, path: String(request.path), query: String(request.query))
        for field in request.headers {
            switch field.name.utf8.count {
            case 6 where field.name.lowercased() == "accept":
                // Go's client sends the header once, others may not.
                incoming.accept = incoming.accept.map { "\($0),\(field.value)" } ?? field.value
            case 10 where field.name.lowercased() == "user-agent": incoming.userAgent = field.value
            case 12 where field.name.lowercased() == "content-type": incoming.contentType = field.value
            case 13 where field.name.lowercased() == "authorization": incoming.authorization = field.value
            case 13 where field.name.lowercased() == "if-none-match": incoming.ifNoneMatch = field.value
            default: break
            }
        }
        incoming.body = request.body
        if request.peer.isUnixSocket {
            incoming.origin = .unixSocket
        } else if let subject = request.peer.clientCertificate {
            incoming.origin = .certificate(commonName: subject.commonName, organizations: subject.organizations)
        }
        pipeline.handle(incoming, HTTPResponseWriter(responder))
    }

    /// What is refused before it becomes a request, in Kubernetes' form.
    static func refusal(_ status: Int, _ reason: String, maxBodyBytes: Int) -> HTTPResponse {
        let answer: Status =
            status == 413
            ? .tooLarge("limit is \(maxBodyBytes)") : Status(code: status, reason: .badRequest, message: reason)
        return HTTPResponse(
            status: status, headers: ["Content-Type": "application/json"], body: answer.json.encoded())
    }
}

/// A response through the HTTP server.
private final class HTTPResponseWriter: ResponseWriter {
    private let responder: HTTPResponder

    init(_ responder: HTTPResponder) {
        self.responder = responder
    }

    func send(_ response: OutgoingResponse) {
        responder.send(
            HTTPResponse(status: response.status, headers: Self.headers(response.headers), body: response.body))
    }

    func startStream(contentType: String) -> any ResponseStream {
        let headers = Self.headers([(name: "Content-Type", value: contentType)])
        return HTTPBodyStream(responder.startStream(status: 200, headers: headers))
    }

    private static func headers(_ fields: [(name: String, value: String)]) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count + 1)
        for field in fields { headers.add(field.name, field.value) }
        if !headers.contains(name: "Cache-Control") { headers.add("Cache-Control", "no-cache, private") }
        return headers
    }
}

private final class HTTPBodyStream: ResponseStream {
    private let stream: HTTPResponseStream

    init(_ stream: HTTPResponseStream) {
        self.stream = stream
    }

    var pendingBytes: Int { stream.pendingBytes }

    func write(_ chunk: [UInt8]) { stream.write(chunk) }
    func finish() { stream.finish() }
    func cancel() { stream.cancel() }
    func onClose(_ handler: @escaping @Sendable () -> Void) { stream.onClose(handler) }
}
