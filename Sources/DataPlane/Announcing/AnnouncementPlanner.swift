import Announcement
package import KubeModel
import NetworkTypes

/// Works out the `AnnouncementPlan` from what the API says. Pure.
package struct AnnouncementPlanner: Sendable {
    package var services: [NamespacedName: AnnouncedService] = [:]
    package var pools: [AnnouncementPlan.PoolReference: AnnouncedPool] = [:]
    package var advertisements: [AnnouncementPlan.Method: [NamespacedName: Advertisement]] = [:]
    package var nodes: [String: AnnouncingNode] = [:]

    package init() {}

    package func plan() -> AnnouncementPlan {
        let ground = Ground(self)
        var silences: [AnnouncementPlan.Silence] = []
        var drafts: [Draft.Key: [Draft]] = [:]
        for (key, service) in services {
            let reference = AnnouncementPlan.ServiceReference(key: key, uid: service.uid)
            for address in Set(service.addresses) {
                func stay(_ reason: AnnouncementPlan.Reason, _ method: AnnouncementPlan.Method? = nil) {
                    silences.append(.init(address: address, service: reference, method: method, reason: reason))
                }
                guard !address.isLoopback else {
                    stay(.loopback)
                    continue
                }
                guard let pool = ground.pool(of: address) else {
                    stay(.noPool)
                    continue
                }
                let ways = ground.ways[pool].filter { way in
                    let selectors = way.advertisement.serviceSelectors
                    return selectors.isEmpty || selectors.contains { $0.matches(service.labels) }
                }
                guard !ways.isEmpty else {
                    stay(.noAdvertisement(ground.pools[pool].reference))
                    continue
                }
                guard service.readyFamilies.contains(address.family) else {
                    stay(.noEndpoints)
                    continue
                }
                for method in AnnouncementPlan.Method.allCases {
                    let ways = ways.filter { $0.advertisement.method == method }
                    guard !ways.isEmpty else { continue }
                    let local = service.localNodes.map { $0[address.family] ?? [] }
                    let terms = ways.compactMap { $0.term(local) }
                    guard !terms.isEmpty else {
                        stay(ground.noNodes(ways, service), method)
                        continue
                    }
                    drafts[Draft.Key(address: address, method: method), default: []].append(
                        Draft(service: reference, pool: ground.pools[pool].reference, terms: terms))
                }
            }
        }
        var plan = AnnouncementPlan()
        plan.entries = drafts.map { ground.entry($0, $1) }.sorted {
            $0.address == $1.address ? $0.method.rawValue > $1.method.rawValue : $0.address < $1.address
        }
        plan.silences = silences.sorted {
            $0.address == $1.address ? $0.service < $1.service : $0.address < $1.address
        }
        return plan
    }

    /// What one Service says of an address that it may share.
    private struct Draft {
        struct Key: Hashable {
            var address: IPAddress
            var method: AnnouncementPlan.Method
        }

        var service: AnnouncementPlan.ServiceReference
        var pool: AnnouncementPlan.PoolReference
        var terms: [AnnouncementPlan.Term]
    }

    /// An advertisement of a pool, with its nodes.
    private struct Way {
        var advertisement: Advertisement
        var nodes: Set<String>
        var scores: [String: Int]

        func term(_ local: Set<String>?) -> AnnouncementPlan.Term? {
            let nodes = local.map { self.nodes.intersection($0) } ?? nodes
            guard !nodes.isEmpty else { return nil }
            return .init(
                advertisement: advertisement.key, nodes: nodes,
                interfaces: advertisement.interfaces.isEmpty ? .outer : .named(advertisement.interfaces), scores: scores
            )
        }
    }

    /// What is the same for all Services.
    private struct Ground {
        let pools: [AnnouncedPool]
        /// By the index of the pool.
        let ways: [[Way]]
        /// By where they begin.
        private let ranges: [(range: AddressRange, pool: Int)]
        private let cordoned: Set<String>
        private let unfit: Set<String>

        init(_ planner: AnnouncementPlanner) {
            pools = planner.pools.values.sorted { $0.reference < $1.reference }
            let fit = planner.nodes.values.filter(\.isFit)
            cordoned = Set(fit.filter(\.isCordoned).map(\.name))
            unfit = Set(planner.nodes.values.filter { !$0.isFit }.map(\.name))
            let advertisements = planner.advertisements.values.flatMap(\.values).sorted { $0.key < $1.key }
            let nodes = advertisements.map { advertisement in
                Set(
                    fit.filter { node in
                        advertisement.nodeSelectors.isEmpty
                            || advertisement.nodeSelectors.contains { $0.matches(node.labels) }
                    }.map(\.name))
            }
            let ways = zip(advertisements, nodes).map { advertisement, nodes in
                let scores = fit.filter { nodes.contains($0.name) }
                    .map { ($0.name, advertisement.score(of: $0)) }.filter { $0.1 > 0 }
                return Way(
                    advertisement: advertisement, nodes: nodes, scores: Dictionary(uniqueKeysWithValues: scores))
            }
            self.ways = pools.map { pool in ways.filter { $0.advertisement.covers(pool) } }
            ranges = pools.enumerated().flatMap { index, pool in pool.ranges.map { ($0, index) } }
                .sorted { $0.range.first < $1.range.first }
        }

        /// The pool that an address is of. Pools that overlap are refused where they are made; else the last that begins
        /// before it counts.
        func pool(of address: IPAddress) -> Int? {
            var (low, high) = (0, ranges.count)
            while low < high {
                let middle = (low + high) / 2
                if ranges[middle].range.first <= address { low = middle + 1 } else { high = middle }
            }
            while low > 0 {
                low -= 1
                if ranges[low].range.contains(address) { return ranges[low].pool }
            }
            return nil
        }

        func noNodes(_ ways: [Way], _ service: AnnouncedService) -> AnnouncementPlan.Reason {
            let selected = ways.reduce(into: Set<String>()) { $0.formUnion($1.nodes) }
            guard selected.isEmpty else {
                return .noNodes("externalTrafficPolicy is Local, and no node that may announce has a ready endpoint")
            }
            guard unfit.isEmpty else {
                return .noNodes(
                    "none of the nodes that an advertisement selects is fit: \(unfit.sorted().prefix(5).joined(separator: ", ")) not ready, without network or excluded"
                )
            }
            return .noNodes("no node is selected by an advertisement")
        }

        func entry(_ key: Draft.Key, _ drafts: [Draft]) -> AnnouncementPlan.Entry {
            let drafts = drafts.sorted { $0.service < $1.service }
            var terms = drafts[0].terms
            if drafts.count > 1 {
                // A node that serves all of the Services that share the address, else one that serves any.
                let sets = drafts.map { $0.terms.reduce(into: Set<String>()) { $0.formUnion($1.nodes) } }
                let common = sets.dropFirst().reduce(sets[0]) { $0.intersection($1) }
                terms = Self.merged(drafts.flatMap(\.terms), within: common.isEmpty ? nil : common)
            }
            if !cordoned.isEmpty {
                let free = terms.reduce(into: Set<String>()) { $0.formUnion($1.nodes) }.subtracting(cordoned)
                if !free.isEmpty { terms = Self.merged(terms, within: free) }
            }
            return .init(
                address: key.address, method: key.method, services: drafts.map(\.service), pool: drafts[0].pool,
                terms: terms)
        }

        /// One term for each advertisement, of these nodes alone.
        private static func merged(_ terms: [AnnouncementPlan.Term], within nodes: Set<String>?)
            -> [AnnouncementPlan.Term]
        {
            var merged: [NamespacedName: AnnouncementPlan.Term] = [:]
            for var term in terms {
                if let nodes { term.nodes.formIntersection(nodes) }
                guard !term.nodes.isEmpty else { continue }
                merged[term.advertisement, default: term].nodes.formUnion(term.nodes)
            }
            return merged.values.sorted { $0.advertisement < $1.advertisement }
        }
    }
}
