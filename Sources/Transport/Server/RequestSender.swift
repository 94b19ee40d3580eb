/// Who sends requests, as far as places and room are shared out: one user at one address.
package struct RequestSender: Hashable, Sendable {
    /// As authenticated.
    package let user: String
    /// Nil for whoever comes over a unix socket.
    package let peer: PeerKey?

    package init(user: String, peer: PeerKey?) {
        self.user = user
        self.peer = peer
    }

    /// Comes over a unix socket, for which a part is kept beyond what all others may have.
    package var isLocal: Bool { peer == nil }
}
