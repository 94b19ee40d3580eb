internal import KubeModel
internal import NetworkTypes

/// Which node tells which routers of an address, as text. Pure, and by the code that sessions follow.
struct BGPDump {
    private var plans: [String: BGPPlan] = [:]

    init(_ objects: AnnouncementDump.Objects, _ announcements: AnnouncementPlan) {
        var planner = BGPPlanner(node: "")
        for pool in objects.addressPools.map({ AnnouncedPool($0) }) + objects.pools.map({ AnnouncedPool($0) }) {
            planner.pools[pool.reference] = pool
        }
        for peer in objects.bgpPeers { planner.peers[NamespacedName(peer.metadata)] = peer }
        for advertisement in objects.bgpAdvertisements {
            planner.advertisements[NamespacedName(advertisement.metadata)] = advertisement
        }
        for community in objects.communities { planner.communities[NamespacedName(community.metadata)] = community }
        for profile in objects.bfdProfiles { planner.profiles[NamespacedName(profile.metadata)] = profile }
        let labels = Dictionary(
            objects.nodes.map { ($0.metadata.name ?? "", $0.metadata.labels ?? [:]) }, uniquingKeysWith: { $1 })
        let nodes = announcements.entries(.bgp).reduce(into: Set<String>()) { $0.formUnion($1.nodes) }
        for node in nodes.union(labels.keys) {
            planner.node = node
            planner.nodeLabels = labels[node] ?? [:]
            // Which session lacks its password is not for everybody to know.
            for secret in planner.secrets { planner.passwords[secret] = .bytes([0]) }
            plans[node] = planner.plan(announcements)
        }
    }

    /// Who announces an address to whom: `a to router, b to router second`.
    func words(_ entry: AnnouncementPlan.Entry) -> String {
        let told = entry.nodes.sorted().compactMap { node -> String? in
            let peers = entry.services.flatMap { service in
                plans[node]?.announced.filter { $0.service == service.key }.flatMap(\.peers) ?? []
            }
            guard !peers.isEmpty else { return nil }
            return "\(node) to \(Set(peers).sorted().joined(separator: " "))"
        }
        return told.isEmpty
            ? "announced by nobody: no BGPPeer is told" : "announced by \(told.joined(separator: ", "))"
    }

    /// What is not followed, each once.
    var complaints: [String] {
        let all = plans.values.reduce(into: Set<BGPPlan.Complaint>()) { $0.formUnion($1.complaints) }
        return all.map { complaint in
            let kind = complaint.kind == .peer ? "BGPPeer" : "BGPAdvertisement"
            return "\(kind) \(complaint.object): \(complaint.message)"
        }.sorted()
    }
}
