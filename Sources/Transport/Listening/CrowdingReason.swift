/// Why a connection was closed that had done nothing wrong; the values of the label `reason`.
package enum CrowdingReason: String, Sendable, Hashable, CaseIterable {
    /// Its peer has as many as one peer may have.
    case peerShare = "peer_share"
    /// A newcomer got the place of one that had not sent a complete request yet.
    case madeRoom = "made_room"
    /// Every place was taken by a connection with requests: a newcomer was closed, or had to wait in the kernel's queue.
    case full
}
