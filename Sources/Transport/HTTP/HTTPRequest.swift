/// A request as a server received it: its head, and the body once it was read.
package struct HTTPRequest: Sendable {
    package enum Version: Sendable, Hashable {
        case http10, http11, http2
    }

    package var method: HTTPMethod
    /// The request target as sent: origin form (`/path?query`), or `*`.
    package var target: String
    package var headers: HTTPHeaders
    /// Empty while the body is not read.
    package var body: [UInt8]
    /// Whether the head announces a body (which may turn out to be empty).
    package var hasBody = false
    package var version: Version
    package var peer: PeerIdentity

    package init(
        method: HTTPMethod, target: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        version: Version = .http11, peer: PeerIdentity = PeerIdentity()
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.version = version
        self.peer = peer
    }

    /// The target up to `?`, still percent-encoded.
    package var path: Substring {
        queryMark.map { target[..<$0] } ?? target[...]
    }

    /// The target after `?`, still percent-encoded; empty if there is none.
    package var query: Substring {
        queryMark.map { target[target.utf8.index(after: $0)...] } ?? ""
    }

    private var queryMark: String.Index? {
        let bytes = target.utf8
        // Every string of Swift's own lies in one piece.
        guard let place = bytes.withContiguousStorageIfAvailable({ $0.firstIndex(of: UInt8(ascii: "?")) }) else {
            return bytes.firstIndex(of: UInt8(ascii: "?"))
        }
        return place.map { bytes.index(bytes.startIndex, offsetBy: $0) }
    }
}
