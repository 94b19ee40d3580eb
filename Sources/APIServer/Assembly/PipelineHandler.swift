import APIResources
import KubeModel
import Transport

/// Puts the request pipeline behind the HTTP server.
struct PipelineHandler: HTTPServerHandler {
    let pipeline: RequestPipeline

    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        var request = request
        var incoming = IncomingRequest(
            method: request.method.rawValue, path: String(request.path), query: String(request.query))
        var auditID: String?
        var acceptsGzip = false
        var offersProtocols = false
        for field in request.headers {
            switch field.name.utf8.count {
            case 8 where field.name.lowercased() == "audit-id": auditID = field.value
            case 15 where field.name.lowercased() == "accept-encoding":
                // As Kubernetes reads it: the word alone, without a weight.
                acceptsGzip = field.value.split(separator: ",").contains { $0.drop { $0 == " " } == "gzip" }
            case 6 where field.name.lowercased() == "accept":
                // Go's client sends the header once, others may not.
                incoming.accept = incoming.accept.map { "\($0),\(field.value)" } ?? field.value
            case 22 where field.name.lowercased() == "sec-websocket-protocol": offersProtocols = true
            case 10 where field.name.lowercased() == "user-agent": incoming.userAgent = field.value
            case 12 where field.name.lowercased() == "content-type": incoming.contentType = field.value
            case 13 where field.name.lowercased() == "authorization":
                incoming.repeatsAuthorization = incoming.authorization != nil
                incoming.authorization = field.value
            case 13 where field.name.lowercased() == "if-none-match": incoming.ifNoneMatch = field.value
            case 12... where field.name.utf8.first == 0x49 || field.name.utf8.first == 0x69:
                if field.name.lowercased().hasPrefix("impersonate-") { incoming.impersonates = true }
            default: break
            }
        }
        incoming.awaitsBody = request.hasBody
        incoming.upgrade = UpgradeOffer(request)
        if offersProtocols {
            let token = WebSocketToken.take(from: &request.headers)
            if incoming.upgrade?.isWebSocket == true { incoming.webSocketToken = token }
        }
        incoming.headers = request.headers
        incoming.peer = request.peer.address
        incoming.isTLS = request.peer.isTLS
        if request.peer.isUnixSocket {
            incoming.origin = .unixSocket
        } else if let subject = request.peer.clientCertificate {
            incoming.origin = .certificate(commonName: subject.commonName, organizations: subject.organizations)
        }
        var webSocket: HTTPHeaders?
        switch WebSocketHandshake(request) {
        case .none: break
        case .accepted(let headers): webSocket = headers
        case .refused(let reason): incoming.webSocketRefusal = reason
        }
        let writer = HTTPResponseWriter(
            responder, webSocket: webSocket, auditID: AuditIdentifier.make(given: auditID), acceptsGzip: acceptsGzip)
        pipeline.handle(incoming, writer)
    }

    /// What is refused before it becomes a request, in Kubernetes' form.
    static func refusal(_ status: Int, _ reason: String, maxBodyBytes: Int) -> HTTPResponse {
        answer(
            status == 413
                ? .tooLarge("limit is \(maxBodyBytes)") : Status(code: status, reason: .badRequest, message: reason))
    }

    private static func answer(_ status: Status) -> HTTPResponse {
        HTTPResponse(
            status: Int(status.code), headers: ["Content-Type": "application/json"], body: status.json.encoded())
    }
}

/// A response through the HTTP server.
private final class HTTPResponseWriter: ResponseWriter {
    private let responder: HTTPResponder
    /// What opens the WebSocket that the client wants for a watch.
    private let webSocket: HTTPHeaders?
    private let auditID: String
    private let acceptsGzip: Bool

    init(_ responder: HTTPResponder, webSocket: HTTPHeaders?, auditID: String, acceptsGzip: Bool) {
        self.responder = responder
        self.webSocket = webSocket
        self.auditID = auditID
        self.acceptsGzip = acceptsGzip
    }

    func readBody(
        of sender: RequestSender, _ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void
    ) {
        responder.readBody(of: sender, completion)
    }

    func send(_ response: OutgoingResponse) {
        var answer = HTTPResponse(
            status: response.status, headers: headers(response.headers), body: response.body)
        answer.onSent = response.onSent
        if acceptsGzip, response.isWorthCompressing {
            answer.isCompressed = true
            answer.headers.add("Vary", "Accept-Encoding")
        }
        responder.send(answer)
    }

    func startStream(contentType: String, warnings: [String]) -> any ResponseStream {
        if let webSocket {
            return WebSocketEventStream(
                responder, headers: webSocket, isBinary: contentType.hasPrefix(ProtobufDocument.mediaType))
        }
        let headers = headers(
            [(name: "Content-Type", value: contentType)] + warnings.map { (name: "Warning", value: $0) })
        return HTTPBodyStream(responder.startStream(status: 200, headers: headers))
    }

    func startBody(status: Int, headers fields: [(name: String, value: String)]) -> any BodyStream {
        HTTPBodyStream(responder.startStream(status: status, headers: headers(fields), endsWithServer: false))
    }

    func startTunnel(
        headers fields: [(name: String, value: String)], receive: @escaping @Sendable ([UInt8]) -> Void,
        ended: @escaping @Sendable () -> Void
    ) -> any TunnelStream {
        // The backend's fields alone, as kube-apiserver passes them on.
        var headers = HTTPHeaders()
        for field in fields { headers.add(field.name, field.value) }
        return HTTPTunnelStream(
            responder.upgrade(headers: headers, input: UpgradedInput(receive: receive, ended: ended)))
    }

    func onClose(_ handler: @escaping @Sendable () -> Void) { responder.onClose(handler) }

    private func headers(_ fields: [(name: String, value: String)]) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count + 3)
        headers.add("Audit-Id", auditID)
        for field in fields { headers.add(field.name, field.value) }
        if !headers.contains(name: "Cache-Control") { headers.add("Cache-Control", "no-cache, private") }
        return headers
    }
}

private final class HTTPBodyStream: BodyStream {
    private let stream: HTTPResponseStream

    init(_ stream: HTTPResponseStream) {
        self.stream = stream
    }

    var pendingBytes: Int { stream.pendingBytes }

    func write(_ chunk: [UInt8]) { stream.write(chunk) }
    func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) { stream.onRoom(below: limit, body) }
    func finish() { stream.finish() }
    func cancel() { stream.cancel() }
    func onClose(_ handler: @escaping @Sendable () -> Void) { stream.onClose(handler) }
}

private final class HTTPTunnelStream: TunnelStream {
    private let stream: HTTPResponseStream

    init(_ stream: HTTPResponseStream) {
        self.stream = stream
    }

    var pendingBytes: Int { stream.pendingBytes }

    func write(_ chunk: [UInt8]) { stream.write(chunk) }
    func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) { stream.onRoom(below: limit, body) }
    func finish() { stream.finish() }
    func cancel() { stream.cancel() }
    func onClose(_ handler: @escaping @Sendable () -> Void) { stream.onClose(handler) }
    func holdInput() { stream.holdInput() }
    func admitInput() { stream.admitInput() }
    func refuseInput() { stream.refuseInput() }
}
