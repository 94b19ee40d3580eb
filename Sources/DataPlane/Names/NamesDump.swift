package import DNS
package import KubeModel
import NetworkTypes
import TrafficModel

/// What a data plane answers from, as text: the zone as a master file has it (RFC 1035, 5.1), and as comments what else a
/// Corefile says. Pure, and the same code as answers are made of.
package enum NamesDump {
    /// What it is made of.
    package struct Objects: Sendable {
        package var services: [Service] = []
        package var slices: [EndpointSlice] = []
        package var namespaces: [String] = []
        package var nodes: [Node] = []
        /// ConfigMaps `coredns` and `coredns-custom` of `kube-system`.
        package var corefile: ConfigMap?
        package var additions: ConfigMap?

        package init() {}
    }

    /// - Parameter part: only names within it; the root for all.
    package static func lines(
        _ objects: Objects, _ configuration: NamesConfiguration, within part: DomainName = .root
    ) -> [String] {
        let (plan, complaints) = plan(objects, configuration)
        var names = ClusterNames(plan.cluster, serial: 0)
        names.setNamespaces(Set(objects.namespaces))
        let slices = Dictionary(grouping: objects.slices) { slice in
            NamespacedName(
                namespace: slice.metadata.namespace ?? "",
                name: slice.metadata.labels?[EndpointSliceEntry.serviceNameLabel] ?? "")
        }
        names.apply(
            objects.services.map { service in
                let entries = (slices[NamespacedName(service.metadata)] ?? []).compactMap { EndpointSliceEntry($0) }
                return (nil, NameSource(service: ServiceEntry(service), slices: entries))
            })
        var lines = complaints.map { "; \($0)" }
        for zone in plan.policy.forwardedZones {
            var servers = zone.texts
            if plan.zonesOfResolvers.contains(zone.name) { servers.append("the servers of each machine") }
            lines.append("; \(zone.name) is asked of \(servers.isEmpty ? "nobody" : servers.joined(separator: " "))")
        }
        if !plan.policy.forwardedZones.contains(where: { $0.name == .root }), objects.corefile == nil {
            lines.append("; . is asked of the servers of each machine")
        }
        lines += overruled(objects.nodes)
        for block in plan.policy.blocks {
            lines += block.hosts.flatMap { table in
                records(table.records, ttl: table.ttl, part).map { "; hosts in \(block.zone): \($0)" }
            }
        }
        guard plan.policy.answersFromAnyZone else {
            return lines + ["; names of the cluster are not answered: no block has the plugin kubernetes"]
        }
        return lines + records(names.table.nodes.flatMap(\.records), ttl: plan.cluster.ttl, part)
    }

    /// Servers that are told of one Node.
    private static let nodeLimit = 16

    /// The nodes that ask others for everything than the Corefile says.
    private static func overruled(_ nodes: [Node]) -> [String] {
        let asking = nodes.compactMap { node in
            node.metadata.annotations?[NodeNameServer.upstreamsAnnotation].map { (node.metadata.name ?? "", $0) }
        }
        return Dictionary(grouping: asking, by: \.1).sorted { $0.key < $1.key }.map { servers, nodes in
            let names = nodes.map(\.0).sorted().joined(separator: ", ")
            // Whoever writes a Node writes what he likes: only servers are told.
            let asked = servers.split(separator: ",").prefix(nodeLimit).compactMap { UpstreamServer($0)?.text }
                .joined(separator: " ")
            return "; . is asked of \(asked) on \(names), whose --dns-upstream goes before a Corefile"
        }
    }

    private static func records(_ records: [ZoneRecord], ttl: UInt32, _ part: DomainName) -> [String] {
        let kept = records.filter { $0.name.isWithin(part) }.map { (name: $0.name, line: $0.line(ttl: ttl)) }
        return kept.sorted { left, right in
            left.name == right.name ? left.line < right.line : DomainName.isOrdered(left.name, right.name)
        }.map(\.line)
    }

    private static func plan(
        _ objects: Objects, _ configuration: NamesConfiguration
    ) -> (plan: NamesPlan, complaints: [String]) {
        var circumstances = NamesPlan.Circumstances()
        let usual = NamesPlan(configuration, circumstances)
        guard let map = objects.corefile.map(KeptConfigMap.init), let text = map.data["Corefile"] else {
            return (usual, [])
        }
        circumstances.files = CorefileSource.files(map, objects.additions.map(KeptConfigMap.init))
        circumstances.nodes = NodeHosts.entries(objects.nodes.map(KeptNode.init))
        do {
            let corefile = try Corefile(text, files: circumstances.files)
            let plan = NamesPlan(configuration, corefile, circumstances)
            let complaints = plan.findings.map { "Corefile, \($0.place): \($0.message)" }
            return (plan, complaints)
        } catch {
            let effect = NamesPlan.mentionsGuard(text) ? ": every name is refused where none was used before" : ""
            return (usual, ["Corefile, \(error); it is not used\(effect)"])
        }
    }
}
