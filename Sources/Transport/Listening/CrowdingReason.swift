/// Why a connection was closed that had done nothing wrong; the values of the label `reason`.
package enum CrowdingReason: String, Sendable, Hashable, CaseIterable {
    /// Its peer has as many as one peer may have.
    case peerShare = "peer_share"
    /// A newcomer got the place of one that had not sent a complete request yet, or in the L7 proxy of one of the peer that had
    /// the most.
    case madeRoom = "made_room"
    /// Every place was taken, and by peers with no more than the newcomer's: it was closed, or had to wait in the kernel's queue.
    case full
}
