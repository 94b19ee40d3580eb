package import Announcement
package import NetworkTypes

/// What this node is to do with one peer.
package struct BGPPeerPlan: Hashable, Sendable {
    /// The name of the BGPPeer.
    package var name: String
    package var session: BGPSessionConfiguration
    package var endpoint: BGPPeerEndpoint
    package var bfd: BFD?
    package var routes: [CIDR: BGPRoute]

    package struct BFD: Hashable, Sendable {
        package var peer: BFDSpeaker.Peer
        package var configuration: BFDSession.Configuration

        package init(peer: BFDSpeaker.Peer, configuration: BFDSession.Configuration) {
            self.peer = peer
            self.configuration = configuration
        }
    }

    package init(
        name: String, session: BGPSessionConfiguration, endpoint: BGPPeerEndpoint, bfd: BFD? = nil,
        routes: [CIDR: BGPRoute] = [:]
    ) {
        self.name = name
        self.session = session
        self.endpoint = endpoint
        self.bfd = bfd
        self.routes = routes
    }
}
