import NetworkTypes
import Transport

/// A request as the pipeline sees it, whatever brought it: a socket or a test.
struct IncomingRequest: Sendable {
    /// Who sent it, as far as the transport can tell.
    enum Origin: Sendable, Hashable {
        case network
        /// Over TLS with a certificate that the client CA verified: common name and organisations of its subject.
        case certificate(commonName: String, organizations: [String])
        /// Over the server's own unix socket, which only its user can open.
        case unixSocket
    }

    var method: String
    /// Still percent-encoded.
    var path: String
    /// Behind the "?", still encoded.
    var query = ""
    var accept: String?
    var contentType: String?
    var authorization: String?
    /// What the opening of a WebSocket brings in place of `authorization`.
    var webSocketToken: String?
    var ifNoneMatch: String?
    var userAgent: String?
    var body: [UInt8] = []
    /// The body has yet to be read from the client (`ResponseWriter.readBody`).
    var awaitsBody = false
    /// More than one `Authorization` field: whose request it is cannot be told.
    var repeatsAuthorization = false
    /// Some `Impersonate-…` field: the sender wants to act as somebody else.
    var impersonates = false
    var origin = Origin.network
    /// All fields as they came, for what is forwarded.
    var headers: HTTPHeaders = [:]
    /// Where it came from; nil for a unix socket.
    var peer: SocketAddress?
    /// The protocols that it would leave HTTP for.
    var upgrade: UpgradeOffer?
    /// Why this server opens no WebSocket for it, if it asks for one in a way that can't be granted.
    var webSocketRefusal: String?
    /// Whether it came over TLS.
    var isTLS = false
}
