package import Announcement
package import NetworkTypes

/// How it stands with one peer.
package struct BGPPeerReport: Hashable, Sendable {
    package var name: String
    package var address: SocketAddress
    package var state: BGPSession.State
    package var negotiated: BGPNegotiated?
    /// Prefixes that the peer has from us.
    package var announcedCount: Int
    /// Prefixes that wait to be announced or withdrawn.
    package var pendingCount: Int
    package var counters: BGPSessionCounters
    /// Why the last try or session ended; nil once a session stands.
    package var trouble: String?
    /// nil: no BFD with this peer.
    package var bfd: BFDSpeaker.Counters?

    package init(
        name: String, address: SocketAddress, state: BGPSession.State, negotiated: BGPNegotiated? = nil,
        announcedCount: Int = 0, pendingCount: Int = 0, counters: BGPSessionCounters = .init(), trouble: String? = nil,
        bfd: BFDSpeaker.Counters? = nil
    ) {
        self.name = name
        self.address = address
        self.state = state
        self.negotiated = negotiated
        self.announcedCount = announcedCount
        self.pendingCount = pendingCount
        self.counters = counters
        self.trouble = trouble
        self.bfd = bfd
    }
}
