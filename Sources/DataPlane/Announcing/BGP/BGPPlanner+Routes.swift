internal import Announcement
internal import KubeModel
internal import NetworkTypes

extension BGPPlanner {
    /// What a BGPAdvertisement says, read once for all addresses.
    private struct Manner {
        var key: NamespacedName
        var route: BGPRoute
        var lengths: [IPFamily: Int]
        /// Those of this node's sessions that are told.
        var peers: [NamespacedName]
    }

    /// Gives each session its routes.
    func route(
        _ announcements: AnnouncementPlan, to sessions: inout [NamespacedName: BGPPeerPlan], _ plan: inout BGPPlan
    ) {
        var manners: [NamespacedName: Manner] = [:]
        for (key, advertisement) in advertisements.sorted(by: { $0.key < $1.key }) {
            switch manner(key, advertisement, sessions) {
            case .success(let manner): manners[key] = manner
            case .failure(let refusal): plan.complaints.append(.init(.advertisement, key, refusal.message))
            }
        }
        var routes: [NamespacedName: [CIDR: BGPRoute]] = [:]
        var announced: [NamespacedName: [String: Set<String>]] = [:]
        var tooWide: [NamespacedName: IPAddress] = [:]
        for entry in announcements.entries(.bgp) {
            for term in entry.terms where term.nodes.contains(node) {
                guard let manner = manners[term.advertisement], !manner.peers.isEmpty else { continue }
                guard let prefix = prefix(entry, manner) else {
                    tooWide[manner.key] = tooWide[manner.key] ?? entry.address
                    continue
                }
                // The full length is told once per prefix and peer: several addresses may have one prefix.
                for peer in manner.peers {
                    let known = routes[peer]?[prefix]
                    routes[peer, default: [:]][prefix] =
                        known.map { $0 == manner.route ? $0 : $0.merged(with: manner.route) } ?? manner.route
                }
                for service in entry.services {
                    announced[service.key, default: [:]][manner.key.namespace, default: []]
                        .formUnion(manner.peers.map(\.name))
                }
            }
        }
        for (key, address) in tooWide.sorted(by: { $0.key < $1.key }) {
            plan.complaints.append(
                .init(
                    .advertisement, key,
                    "\(address) and others are not announced: the aggregation length takes in more than their pool"))
        }
        for (key, wanted) in routes { sessions[key]?.routes = wanted.filter { $0.value.fits } }
        plan.announced = announced.flatMap { service, places in
            places.map { BGPPlan.Announced(service: service, namespace: $0, peers: $1.sorted()) }
        }.sorted { ($0.service, $0.namespace) < ($1.service, $1.namespace) }
    }

    /// The prefix that an address is announced in; nil where that has addresses which are not the pool's.
    private func prefix(_ entry: AnnouncementPlan.Entry, _ manner: Manner) -> CIDR? {
        let family = entry.address.family
        let length = manner.lengths[family] ?? family.bitWidth
        guard let prefix = CIDR(address: entry.address, prefixLength: length)?.masked else { return nil }
        if length == family.bitWidth { return prefix }
        let whole = AddressRange(prefix)
        return pools[entry.pool]?.ranges.contains { $0.contains(whole) } == true ? prefix : nil
    }

    private func manner(
        _ key: NamespacedName, _ advertisement: BGPAdvertisement, _ sessions: [NamespacedName: BGPPeerPlan]
    ) -> Result<Manner, Refusal> {
        let spec = advertisement.spec ?? BGPAdvertisementSpec()
        do throws(Refusal) {
            let names = Set(spec.peers ?? [])
            let told = sessions.keys.filter {
                $0.namespace == key.namespace && (names.isEmpty || names.contains($0.name))
            }.sorted()
            for name in names.sorted()
            where peers[NamespacedName(namespace: key.namespace, name: name)] == nil {
                // The others are told all the same: it may be made later.
                if told.isEmpty { throw Refusal("nothing is announced: there is no BGPPeer \(name)") }
            }
            let lengths = [
                IPFamily.v4: spec.aggregationLength ?? 32, .v6: spec.aggregationLengthV6 ?? 128,
            ]
            for (family, length) in lengths where !(1...family.bitWidth).contains(length) {
                throw Refusal("nothing is announced: \(length) is no aggregation length of \(family.kubernetesName)")
            }
            let preference = spec.localPref ?? 0
            guard let preference = UInt32(exactly: preference) else {
                throw Refusal("nothing is announced: spec.localPref must be between 0 and 4294967295")
            }
            var small: [BGPCommunity] = []
            var large: [BGPLargeCommunity] = []
            for text in spec.communities ?? [] {
                let value = alias(text, in: key.namespace) ?? text
                if let community = BGPCommunity(value) {
                    small.append(community)
                } else if let community = BGPLargeCommunity(value) {
                    large.append(community)
                } else {
                    // It may be what keeps the route from going too far.
                    throw Refusal("nothing is announced: \(text) is no community, nor the name of one")
                }
            }
            let route = BGPRoute(
                localPreference: preference == 0 ? nil : preference, communities: small, largeCommunities: large)
            guard route.fits else {
                throw Refusal("nothing is announced: more communities than a message has room for")
            }
            return .success(Manner(key: key, route: route, lengths: lengths, peers: told))
        } catch {
            return .failure(error)
        }
    }

    /// What a name stands for in the Community objects of a namespace.
    private func alias(_ name: String, in namespace: String) -> String? {
        for (key, community) in communities.sorted(by: { $0.key < $1.key }) where key.namespace == namespace {
            if let found = community.spec?.communities?.first(where: { $0.name == name })?.value { return found }
        }
        return nil
    }
}
