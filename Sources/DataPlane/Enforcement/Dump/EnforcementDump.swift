import BPF
import IPVS
package import KubeModel
import NFTables
import Netlink
package import NetworkTypes
package import TrafficModel

/// What this machine's kernel does with traffic to Services, in words, and where that differs from what the API wants.
/// Pure but for `read`.
package struct EnforcementDump: Sendable {
    private struct Line: Sendable {
        var key: FrontendKey
        var text: String
    }

    /// By Service.
    private var lines: [NamespacedName: [Line]] = [:]
    private var differences: [NamespacedName: [Line]] = [:]
    /// Addresses that are enforced and that no Service has.
    private var strays: [Line] = []
    /// What is amiss besides addresses.
    private var flaws: [String] = []

    /// Reads the kernel's table.
    ///
    /// - Parameters:
    ///   - services: all there are.
    ///   - node: as the API knows it, without addresses for node ports.
    ///   - nodePorts: where node ports are to be served; nil for where the table does it.
    /// - Throws: `DataPlaneError` where it cannot be read.
    package static func read(
        _ services: [ServiceEntry], on node: NodeIdentity, nodePorts: [IPAddress]?
    ) throws(DataPlaneError) -> EnforcementDump {
        let listing: NFListing?
        do throws(NFTablesError) {
            listing = try KernelRuleset().listing(of: TableLayout.table, leavingOut: TableLayout.dynamicSets)
        } catch {
            throw DataPlaneError(
                message: error.isForWantOfPermission
                    ? "to read the kernel's rules needs root, or CAP_NET_ADMIN" : "the kernel's rules: \(error)")
        }
        guard listing != nil || !NFTablesEnforcer.hasLeftovers(ofChain: IPTablesFrame.offClusterChain) else {
            throw DataPlaneError(
                message: "iptables enforces the Services of this machine (iptables-save shows how): only the mode "
                    + "nftables can be told in words")
        }
        var servers: [FrontendKey: IPVSPlan.Standing] = [:]
        if let listing, TableLayout.chooser(of: listing) == .virtualServers {
            do throws(NetlinkError) {
                servers = try IPVSEnforcement.standing(try KernelVirtualServers())
            } catch {
                throw DataPlaneError(message: "the virtual servers of IPVS: \(error)")
            }
        }
        return EnforcementDump(
            services, on: node, nodePorts: nodePorts, listing, servers: servers, sockets: try readSockets())
    }

    /// What sockets are led by; nil where they are not.
    private static func readSockets() throws(DataPlaneError) -> SocketPlan.Listing? {
        guard let folder = SocketPlace.leftover else { return nil }
        let system = KernelBPF()
        do throws(BPFError) {
            var maps: [String: BPFObject] = [:]
            for name in SocketMaps.followed { maps[name] = try system.open("\(folder)/\(name)") }
            return try SocketEnforcement.listing(of: maps, system)
        } catch {
            throw DataPlaneError(message: "what sockets are led by: \(error)")
        }
    }

    init(
        _ services: [ServiceEntry], on node: NodeIdentity, nodePorts: [IPAddress]?, _ listing: NFListing?,
        servers: [FrontendKey: IPVSPlan.Standing] = [:], sockets: SocketPlan.Listing? = nil
    ) {
        let manners = servers.mapValues { VirtualServerManner($0) }
        let enforced = listing.map { EnforcedAddress.all(in: $0, servers: manners) } ?? [:]
        let chooser = listing.map { TableLayout.chooser(of: $0) } ?? .rules
        var node = node
        node.nodePortAddresses =
            nodePorts?.filter { !$0.isUnreachableInKernel } ?? Self.nodePortAddresses(services, enforced)
        var planner = FrontendPlanner()
        let changes = services.map { ServiceChange(key: $0.key, before: nil, after: $0) }.sorted { $0.key < $1.key }
        let wanted = planner.plan(changes, on: node)
        var plan = NFTablesPlan(chooser: chooser)
        _ = plan.apply(wanted.changes, of: changes, on: node)
        var serverPlan = IPVSPlan()
        for change in wanted.changes { serverPlan.take(change, ownAddresses: node.ownAddresses) }
        for change in wanted.changes {
            guard case .set(let key, let frontend, _) = change, let entry = plan.entries[key] else { continue }
            var server = serverPlan.wanted[key].map { VirtualServerManner($0) }
            // Which one a data plane takes where a Service asks for none is known to that data plane only.
            if frontend.balancing == .random, let present = manners[key] { server?.scheduler = present.scheduler }
            let (should, present) = (EnforcedAddress(entry, server), enforced[key])
            let service = frontend.backend.port.service
            let role = frontend.role.rawValue
            if let present { lines[service, default: []].append(Line(key: key, text: "\(role), \(present)")) }
            if let sockets {
                let (led, wanted) = (SocketCourse(key, in: sockets), SocketCourse(key, frontend))
                if let led { lines[service, default: []].append(Line(key: key, text: "\(role), \(led)")) }
                if led != wanted {
                    let text = wanted.map { "wanted: \($0)" } ?? "wanted: by the kernel's rules alone"
                    differences[service, default: []].append(Line(key: key, text: "\(role), sockets; \(text)"))
                }
            }
            guard present != should else { continue }
            let what = present == nil ? "not enforced" : "enforced otherwise"
            differences[service, default: []].append(Line(key: key, text: "\(role), \(what); wanted: \(should)"))
        }
        for (service, problems) in planner.problems(of: wanted.affected, failure: { _ in nil }) where !problems.isEmpty
        {
            differences[service, default: []] += problems.map { Line(key: $0.key, text: EnforcementAdvice.words($0)) }
        }
        strays = enforced.filter { planner[$0.key] == nil }.map { Line(key: $0.key, text: "\($0.value)") }
        for key in (sockets?.frontends ?? [:]).keys where planner[key] == nil {
            guard let led = sockets.flatMap({ SocketCourse(key, in: $0) }) else { continue }
            strays.append(Line(key: key, text: "\(led)"))
        }
        flaws = Self.flaws(listing)
    }

    /// Where the table serves any of the Services' node ports.
    private static func nodePortAddresses(
        _ services: [ServiceEntry], _ enforced: [FrontendKey: EnforcedAddress]
    ) -> [IPAddress] {
        struct Target: Hashable {
            var port: Port
            var transport: TransportProtocol
        }
        var ports: Set<Target> = []
        var others: Set<IPAddress> = []
        for service in services {
            others.formUnion(service.clusterIPs + service.externalIPs + service.loadBalancerIPs)
            for port in service.ports {
                if let number = port.nodePort { ports.insert(Target(port: number, transport: port.transport)) }
            }
        }
        let addresses = enforced.keys.filter {
            ports.contains(Target(port: $0.address.port, transport: $0.transport)) && !others.contains($0.address.ip)
        }
        return Set(addresses.map(\.address.ip)).sorted()
    }

    private static func flaws(_ listing: NFListing?) -> [String] {
        guard let listing else { return ["there is no \(TableLayout.table)"] }
        var flaws: [String] = []
        let isFast = listing.flowtables[FastPath.flowtable] != nil
        let plan = NFTablesPlan(
            chooser: TableLayout.chooser(of: listing), fastPath: isFast ? FastPath(devices: [:]) : nil)
        for chain in plan.baseChains where listing.chains[chain.name]?.hook != chain.hook {
            flaws.append("the chain \(chain.name) is missing, or is entered elsewhere")
        }
        for rule in plan.baseRules
        where !(listing.rules[rule.chain] ?? []).contains(rule.comment) {
            flaws.append("the chain \(rule.chain) lacks the rule \"\(rule.comment)\"")
        }
        return flaws
    }

    /// Whether all is enforced as the API wants it.
    ///
    /// - Parameter service: only what concerns this one, and the table as a whole.
    package func isSound(of service: NamespacedName? = nil) -> Bool {
        guard flaws.isEmpty else { return false }
        if let service { return differences[service] == nil }
        return differences.isEmpty && strays.isEmpty
    }

    /// For people, in lines.
    ///
    /// - Parameter service: only this one; nil for all.
    package func text(of service: NamespacedName? = nil) -> [String] {
        var text = flaws.map { "DIFFERS: \($0)" }
        let names = service.map { [$0] } ?? Set(lines.keys).union(differences.keys).sorted()
        for name in names {
            text.append("\(name)")
            let (own, others) = (lines[name] ?? [], differences[name] ?? [])
            if own.isEmpty, others.isEmpty { text.append("  has no address that a node enforces, or does not exist") }
            text += own.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.text)" }
            text += others.sorted { $0.key < $1.key }.map { "  DIFFERS: \($0.key): \($0.text)" }
        }
        guard service == nil, !strays.isEmpty else { return text }
        return text + ["of no Service"] + strays.sorted { $0.key < $1.key }.map { "  DIFFERS: \($0.key): \($0.text)" }
    }
}
