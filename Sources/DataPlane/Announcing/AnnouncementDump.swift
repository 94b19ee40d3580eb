import Announcement
package import KubeModel
import NetworkTypes
import TrafficModel

/// Which address is announced by whom, and why one is not, as text. Pure, and by the code that announcing follows.
package enum AnnouncementDump {
    /// What it is made of.
    package struct Objects: Sendable {
        package var services: [Service] = []
        package var slices: [EndpointSlice] = []
        package var nodes: [Node] = []
        package var addressPools: [AddressPool] = []
        package var pools: [IPAddressPool] = []
        package var l2Advertisements: [L2Advertisement] = []
        package var bgpAdvertisements: [BGPAdvertisement] = []
        package var bgpPeers: [BGPPeer] = []
        package var communities: [Community] = []
        package var bfdProfiles: [BFDProfile] = []
        /// Of the namespace `AnnouncementDump.leaseNamespace`.
        package var leases: [Lease] = []

        package init() {}
    }

    package static let leaseNamespace = AnnouncerLeases.namespace

    /// A line for each address and way of announcing.
    ///
    /// - Parameter service: of this one alone; nil for all.
    package static func lines(_ objects: Objects, of service: NamespacedName? = nil) -> [String] {
        let plan = planner(objects).plan()
        let holders = holders(objects.leases)
        let bgp = BGPDump(objects, plan)
        var lines: [(address: IPAddress, line: String)] = []
        for entry in plan.entries where service.map({ key in entry.services.contains { $0.key == key } }) ?? true {
            let names = entry.services.map(\.key.description).joined(separator: ", ")
            var line = "\(entry.address) \(entry.method.rawValue) \(names): "
            let candidates = entry.nodes.sorted()
            switch entry.method {
            case .layer2:
                let names = candidates.joined(separator: " ")
                line +=
                    holders[entry.address].map { "announced by \($0), of the candidates \(names)" }
                    ?? "announced by nobody yet, of the candidates \(names) (\(whoCannot(entry)))"
            case .bgp: line += bgp.words(entry)
            }
            line += "; \(entry.pool)"
            line += ", by \(entry.terms.map { words($0, entry.method) }.joined(separator: " and "))"
            lines.append((entry.address, line))
        }
        let origins = origins(objects)
        for silence in plan.silences where service.map({ $0 == silence.service.key }) ?? true {
            let way = silence.method.map { " \($0.rawValue)" } ?? ""
            var line = "\(silence.address)\(way) \(silence.service.key): not announced: \(silence.reason)"
            if silence.reason == .noPool, let origin = origins[silence.service.key] { line += " (\(origin))" }
            lines.append((silence.address, line))
        }
        return lines.sorted { $0.address == $1.address ? $0.line < $1.line : $0.address < $1.address }.map(\.line)
            + (service == nil ? bgp.complaints : [])
    }

    /// By which annotation a Service says which pool its addresses were given from, as MetalLB writes it.
    private static let origin = "metallb.io/ip-allocated-from-pool"

    /// Of Services, what has become of the pool that their addresses were given from.
    private static func origins(_ objects: Objects) -> [NamespacedName: String] {
        let pools = Set((objects.addressPools.map(\.metadata) + objects.pools.map(\.metadata)).compactMap(\.name))
        let pairs = objects.services.compactMap { service -> (NamespacedName, String)? in
            guard let pool = service.metadata.annotations?[origin] else { return nil }
            let fate = pools.contains(pool) ? "which no longer holds it" : "which is gone"
            return (NamespacedName(service.metadata), "it was given from \(pool), \(fate)")
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Which of the candidates never announce, and cannot be told from here.
    private static func whoCannot(_ entry: AnnouncementPlan.Entry) -> String {
        let choices = entry.terms.map(\.interfaces)
        let named = choices.reduce(into: Set<String>()) { $0.formUnion($1.names) }.sorted()
        if choices.contains(where: \.includesOuter) || named.isEmpty { return "not by a data plane in user space" }
        return "not by a data plane in user space, nor by a node that has no \(named.joined(separator: " and no "))"
    }

    private static func words(_ term: AnnouncementPlan.Term, _ method: AnnouncementPlan.Method) -> String {
        let kind = method == .layer2 ? "L2Advertisement" : "BGPAdvertisement"
        let names = term.interfaces.names.sorted().joined(separator: " ")
        return "\(kind) \(term.advertisement)" + (names.isEmpty ? "" : " on \(names)")
    }

    private static func planner(_ objects: Objects) -> AnnouncementPlanner {
        var planner = AnnouncementPlanner()
        let slices = Dictionary(grouping: objects.slices.compactMap { EndpointSliceEntry($0) }, by: \.service)
        for service in objects.services {
            let kept = KeptService(service)
            let key = NamespacedName(service.metadata)
            planner.services[key] = AnnouncedService(
                ServiceEntry(service), labels: kept.labels, slices: slices[key] ?? [])
        }
        for pool in objects.addressPools.map({ AnnouncedPool($0) }) + objects.pools.map({ AnnouncedPool($0) }) {
            planner.pools[pool.reference] = pool
        }
        let advertisements =
            objects.l2Advertisements.compactMap { Advertisement($0) }
            + objects.bgpAdvertisements.compactMap { Advertisement($0) }
        for advertisement in advertisements {
            planner.advertisements[advertisement.method, default: [:]][advertisement.key] = advertisement
        }
        for node in objects.nodes.map({ AnnouncingNode($0) }) { planner.nodes[node.name] = node }
        return planner
    }

    /// Who holds the claim on each address, as far as the Lease of its node is held by the life that made it.
    private static func holders(_ leases: [Lease]) -> [IPAddress: String] {
        let kept = leases.map { KeptAnnouncerLease($0) }
        var alive: [Announcer] = []
        for object in kept {
            guard case .lease(let node) = object.record, let lease = object.lease, lease.isHeld else { continue }
            alive.append(Announcer(node: node, life: lease.life))
        }
        let claims = kept.flatMap { $0.claims.map { Array($0.claims) } ?? [] }.filter { alive.contains($0.value) }
        return Dictionary(claims.map { ($0.key, $0.value.node) }, uniquingKeysWith: { first, _ in first })
    }
}
