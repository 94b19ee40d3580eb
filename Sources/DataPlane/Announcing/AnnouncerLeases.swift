import Announcement
import KubeModel
import NetworkTypes

/// How the records of an `AnnouncerElection` are kept as Leases. Pure.
///
/// All are in one namespace under names of one prefix (``AnnouncementLease``), to which a node's credentials are held:
/// `announcement-announcer-…` is the Lease of a node, which others must be able to take from it (and so is not named
/// `announcement-node-…`, which is a node's alone to write); `announcement-claims-…` is a part of the claims. A holder is a node
/// or nobody.
enum AnnouncerLeases {
    static let namespace = AnnouncementLease.namespace
    private static let nodePrefix = AnnouncementLease.announcerPrefix
    private static let claimsPrefix = AnnouncementLease.prefix + "claims-"
    /// Of a node's Lease: which of its lives holds it, or held it last.
    static let lifeAnnotation = "traffic.martlet.dev/announcer-life"
    /// Of a part: a line for each announcer, `NODE LIFE ADDRESS…`.
    static let claimsAnnotation = "traffic.martlet.dev/announcers"
    /// Nobody believes in a Lease for longer, whatever it says.
    static let longestSeconds = 60

    static func name(of record: AnnouncerRecord) -> String {
        switch record {
        case .lease(let node): nodePrefix + node
        case .claims(let part): claimsPrefix + (part < 10 ? "0\(part)" : "\(part)")
        }
    }

    /// What a Lease of the namespace is to the election; nil for one that is none of its.
    static func record(named name: String) -> AnnouncerRecord? {
        if name.hasPrefix(nodePrefix) { return .lease(String(name.dropFirst(nodePrefix.count))) }
        guard name.hasPrefix(claimsPrefix), let part = Int(name.dropFirst(claimsPrefix.count)),
            self.name(of: .claims(part)) == name
        else { return nil }
        return .claims(part)
    }

    /// A Lease whose life nobody can read counts as held by a life that no claim is of.
    static func lease(_ object: Lease) -> AnnouncerLease {
        let spec = object.spec ?? LeaseSpec()
        let seconds = min(max(spec.leaseDurationSeconds ?? longestSeconds, 1), longestSeconds)
        return AnnouncerLease(
            life: object.metadata.annotations?[lifeAnnotation].flatMap { Int64($0) } ?? 0,
            isHeld: spec.holderIdentity?.isEmpty == false, duration: .seconds(seconds),
            stamp: spec.renewTime?.microsecondsSinceEpoch ?? 0)
    }

    static func claims(_ object: Lease) -> AnnouncerClaims {
        var claims: [IPAddress: Announcer] = [:]
        for line in (object.metadata.annotations?[claimsAnnotation] ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2, let life = Int64(words[1]) else { continue }
            let announcer = Announcer(node: String(words[0]), life: life)
            for case let address? in words.dropFirst(2).map({ IPAddress(String($0)) }) { claims[address] = announcer }
        }
        return AnnouncerClaims(claims, stamp: object.spec?.renewTime?.microsecondsSinceEpoch ?? 0)
    }

    // MARK: Writing

    /// The object to be written.
    ///
    /// - Parameters:
    ///   - version: that it is to replace; nil for one that is to be made.
    ///   - owner: the uid of the Node that the Lease is to go with, where it is known.
    static func object(
        ofNode node: String, _ lease: AnnouncerLease, over version: UInt64?, owner: String?, now: MicroTime
    ) -> Lease {
        var metadata = metadata(.lease(node), version)
        metadata.annotations = [lifeAnnotation: "\(lease.life)"]
        if let owner {
            metadata.ownerReferences = [OwnerReference(apiVersion: "v1", kind: "Node", name: node, uid: owner)]
        }
        return Lease(
            metadata: metadata,
            spec: LeaseSpec(
                holderIdentity: lease.isHeld ? node : "",
                leaseDurationSeconds: Int(lease.duration.components.seconds), renewTime: now))
    }

    /// - Parameter node: who writes.
    static func object(
        ofPart part: Int, _ claims: AnnouncerClaims, over version: UInt64?, by node: String, now: MicroTime
    ) -> Lease {
        var metadata = metadata(.claims(part), version)
        let lines = Dictionary(grouping: claims.claims.keys) { claims.claims[$0] }
            .compactMap { announcer, addresses in
                announcer.map { announcer in
                    "\(announcer.node) \(announcer.life) \(addresses.sorted().map(\.description).joined(separator: " "))"
                }
            }
        metadata.annotations = [claimsAnnotation: lines.sorted().joined(separator: "\n")]
        return Lease(metadata: metadata, spec: LeaseSpec(holderIdentity: node, renewTime: now))
    }

    private static func metadata(_ record: AnnouncerRecord, _ version: UInt64?) -> ObjectMeta {
        ObjectMeta(name: name(of: record), namespace: namespace, resourceVersion: version.map { "\($0)" })
    }
}
