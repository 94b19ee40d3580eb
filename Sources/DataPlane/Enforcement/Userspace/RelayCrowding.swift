package import KubeModel
package import Transport

/// What became of connections to Services for which the relay had no room, since the last time it was told.
package struct RelayCrowding: Sendable, Hashable, CustomStringConvertible {
    package struct Share: Sendable, Hashable {
        package var service: NamespacedName
        /// Connections that ended so that others could begin.
        package var ended = 0
        /// Connections that were reset at once.
        package var refused = 0
        /// Who had the most connections to this Service of those that were looked at, and how many.
        package var largestPeer: PeerKey?
        package var largestCount = 0
    }

    /// The Services that it concerned most, at most ``RelayCrowdingLedger/told``.
    package var shares: [Share]
    /// What happened to all Services together.
    package var ended: Int
    package var refused: Int

    /// For a line of the log.
    package var description: String {
        let parts = shares.map { share in
            let most = share.largestPeer.map { ", most from \($0), which had \(share.largestCount)" } ?? ""
            return "\(share.service) (ended \(share.ended), refused \(share.refused)\(most))"
        }
        return "no room for more connections to Services: ended \(ended) in favour of others, refused \(refused): "
            + parts.joined(separator: ", ")
    }
}
