package import NetworkTypes

/// Our own addresses towards a peer: what it is to send packets for our routes to.
package struct BGPNextHops: Hashable, Sendable {
    package var v4: IPAddress?
    package var v6: IPAddress?
    /// Our link-local address on the peer's link, which goes with ``v6`` to peers on the same link (RFC 2545, section 3).
    package var linkLocal: IPAddress?

    package init(v4: IPAddress? = nil, v6: IPAddress? = nil, linkLocal: IPAddress? = nil) {
        self.v4 = v4
        self.v6 = v6
        self.linkLocal = linkLocal
    }

    /// The bytes for MP_REACH_NLRI.
    var v6Bytes: [UInt8]? {
        guard let v6 else { return nil }
        return v6.bytes + (v6.isLinkLocalUnicast ? [] : linkLocal?.bytes ?? [])
    }
}
