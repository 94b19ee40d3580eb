import Announcement
package import KubeModel

/// What is kept of a Lease for announcing: what it says to the election; nothing of one that is none of its.
package struct KeptAnnouncerLease: KeptObject {
    package var identity: KeptIdentity
    var record: AnnouncerRecord?
    var lease: AnnouncerLease?
    var claims: AnnouncerClaims?

    package init(_ lease: Lease) {
        identity = KeptIdentity(lease.metadata)
        record = metadata.name.flatMap { AnnouncerLeases.record(named: $0) }
        switch record {
        case .lease: self.lease = AnnouncerLeases.lease(lease)
        case .claims: claims = AnnouncerLeases.claims(lease)
        case nil: break
        }
    }

    /// Versions are numbers that grow (KEP-5504).
    var version: UInt64 { metadata.resourceVersion.flatMap { UInt64($0) } ?? 0 }
}
