/// One request and its response within an HTTP/2 connection. Loop-confined, like its engine.
final class HTTP2ServerStream {
    enum Sending {
        case nothing
        case body(ChunkQueue)
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
    var body: [UInt8] = []
    /// The handler has the request (or it was refused).
    var isDispatched = false
    /// Refused before its end: what still arrives is dropped.
    var isRefused = false
    weak var responder: HTTPResponder?
    var sending = Sending.nothing
    /// nghttp2 was told that nothing is there, and waits to be resumed.
    var isDeferred = false

    init(id: Int32) { self.id = id }

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
        let request = HTTPRequest(
            method: HTTPMethod(rawValue: method), target: path, headers: headers, body: body, version: .http2,
            peer: peer)
        headers = HTTPHeaders()
        body = []
        return request
    }

    /// The exchange ended before its response was complete, or with it.
    func close() {
        let ending = sending
        sending = .done
        switch ending {
        case .stream(let queue): queue.didClose()
        case .nothing: responder?.didClose()
        case .body, .done: break
        }
        responder = nil
    }
}
