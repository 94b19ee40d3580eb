/// One request and its response within an HTTP/2 connection. Loop-confined, like its engine.
final class HTTP2ServerStream {
    enum Sending {
        case nothing
        case body(ChunkQueue)
        case compressed(GzipBody)
        case stream(ResponseStreamQueue)
        case done
    }

    let id: Int32
    var method = ""
    var path = ""
    var authority = ""
    var headers = HTTPHeaders()
    /// As RFC 9113, 6.5.2 counts it: name, value and 32 bytes for each field.
    var headerListSize = 0
    var hasHead = false
    var expectsContinue = false
    /// The client has sent all of its request.
    var hasEnded = false
    /// Of the body: what arrived before the handler asked for it, at most a window.
    var early: [UInt8] = []
    /// The body's claim lasts until the stream ends.
    var reader: RequestBodyReader?
    /// What the body has of the connection's share.
    var heldBodyBytes = 0
    /// The handler has the request (or it was refused).
    var isDispatched = false
    /// Answered or refused before the request's end: what still arrives is dropped.
    var dropsBody = false
    weak var responder: HTTPResponder?
    var sending = Sending.nothing
    var onSent: (@Sendable () -> Void)?
    /// Bytes of the response that went into frames.
    var sentBytes = 0
    /// Of the response: what `HTTPServerConfiguration.answers` counts for it.
    var countedBytes = 0
    var pace = DeliveryPace()
    /// nghttp2 was told that nothing is there, and waits to be resumed.
    var isDeferred = false

    init(id: Int32) { self.id = id }

    /// What the head says of the body's length; nghttp2 holds the client to it.
    private(set) var contentLength: Int?

    /// Bytes of the response that wait for the client.
    var pendingBytes: Int {
        switch sending {
        case .body(let queue): queue.byteCount
        case .compressed(let body): body.pendingBytes
        case .stream(let queue): queue.pendingBytes
        case .nothing, .done: 0
        }
    }

    var isHead: Bool { method == "HEAD" }

    /// Takes one decoded field; false when the list is too large.
    func add(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, limit: Int) -> Bool {
        // Trailers are dropped, as in HTTP/1.
        guard !hasHead else { return true }
        headerListSize += name.count + value.count + 32
        guard headerListSize <= limit else { return false }
        let text = String(decoding: value, as: UTF8.self)
        if name.first == 0x3A {
            switch String(decoding: name, as: UTF8.self) {
            case ":method": method = text
            case ":path": path = text
            case ":authority": authority = text
            default: break
            }
            return true
        }
        let field = String(decoding: name, as: UTF8.self)
        if field == "cookie", let earlier = headers["cookie"] {
            // RFC 9113, 8.2.3: crumbs are joined before anything else sees them.
            headers["cookie"] = earlier + "; " + text
        } else {
            headers.add(field, text)
        }
        return true
    }

    func request(peer: PeerIdentity) -> HTTPRequest {
        if !authority.isEmpty { headers["host"] = authority }
        var request = HTTPRequest(
            method: HTTPMethod(rawValue: method), target: path, headers: headers, version: .http2, peer: peer)
        request.hasBody = !hasEnded || !early.isEmpty
        if request.hasBody { contentLength = headers["content-length"].flatMap { Int($0) } }
        headers = HTTPHeaders()
        return request
    }

    /// The exchange ended before its response was complete, or with it.
    func close() {
        let ending = sending
        sending = .done
        switch ending {
        case .stream(let queue): queue.didClose()
        case .nothing: responder?.didClose()
        case .body, .compressed, .done: break
        }
        responder = nil
        let reader = reader
        self.reader = nil
        reader?.fail(.closed)
        reader?.release()
        let sent = onSent
        onSent = nil
        sent?()
    }
}
