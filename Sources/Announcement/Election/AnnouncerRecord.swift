package import NetworkTypes

/// One life of a node as an announcer. A node whose Lease was taken from it comes back as a later one, so that what the former
/// had claimed stays void.
package struct Announcer: Hashable, Sendable {
    package var node: String
    /// Above those of all earlier lives of the node.
    package var life: Int64

    package init(node: String, life: Int64) {
        self.node = node
        self.life = life
    }
}

/// The records that announcers agree by. Each is read and written as a whole, and a write takes effect only over the version
/// that it names: the store decides who was first. Versions grow.
package enum AnnouncerRecord: Hashable, Sendable {
    /// The Lease of a node.
    case lease(String)
    /// The claims on one part of all addresses.
    case claims(Int)
}

/// That a node's announcer is alive.
package struct AnnouncerLease: Hashable, Sendable {
    /// The last life that held it.
    package var life: Int64
    package var isHeld: Bool
    /// For how long after each change others must believe in it.
    package var duration: Duration
    /// Different with each write.
    package var stamp: Int64

    package init(life: Int64, isHeld: Bool, duration: Duration, stamp: Int64) {
        self.life = life
        self.isHeld = isHeld
        self.duration = duration
        self.stamp = stamp
    }
}

/// Who announces each address of one part. A claim counts until its node's Lease was given up by, or taken from, that life.
package struct AnnouncerClaims: Hashable, Sendable {
    package var claims: [IPAddress: Announcer]
    /// Different with each write.
    package var stamp: Int64

    package init(_ claims: [IPAddress: Announcer] = [:], stamp: Int64 = 0) {
        self.claims = claims
        self.stamp = stamp
    }
}
