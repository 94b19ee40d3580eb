import NetworkTypes

/// What becomes of a socket of this machine that connects to an address of a Service, in terms that can be compared and read.
/// Nil where the kernel's rules decide.
struct SocketCourse: Hashable, CustomStringConvertible {
    private var endpoints: Set<SocketAddress>
    /// Of session affinity; 0 without.
    private var affinitySeconds: UInt32

    /// As it is.
    init?(_ key: FrontendKey, in listing: SocketPlan.Listing) {
        guard let front = listing.frontends[key] else { return nil }
        endpoints = Set(listing.endpoints(of: front.row).prefix(Int(front.count)))
        affinitySeconds = front.affinitySeconds
    }

    /// As it should be.
    init?(_ key: FrontendKey, _ frontend: Frontend) {
        guard SocketPlan.abstention(key, frontend) == nil else { return nil }
        endpoints = Set(SocketPlan.endpoints(of: frontend))
        affinitySeconds = SocketPlan.affinitySeconds(of: frontend)
    }

    var description: String {
        let names = endpoints.sorted().map(\.description)
        let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
        let choice = names.count == 1 ? "to \(shown)" : "to one of \(names.count)"
        let manner =
            affinitySeconds > 0 ? ", kept for this node until it was idle for \(affinitySeconds) s" : ", at random"
        return "sockets of this machine at connect \(choice)" + (names.count == 1 ? "" : "\(manner): \(shown)")
    }
}
