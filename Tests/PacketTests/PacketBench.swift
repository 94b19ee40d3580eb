import DataPlane
import KubeModel
import NetworkTypes
import Testing
import TrafficModel

/// A node in a small network that enforces Services in one mode, with questions to ask from everywhere.
final class PacketBench {
    let mode: Mode
    let family: IPFamily
    let topology: Topology
    let enforcer: any ServiceEnforcer
    private(set) var services: [NamespacedName: ServiceEntry] = [:]
    private var nextAddress: UInt64 = 10

    /// - Parameter surroundings: what is around the node; nil for new ones, which the test may change.
    init(_ mode: Mode, _ family: IPFamily, in surroundings: Surroundings? = nil) async throws {
        self.mode = mode
        self.family = family
        let topology = try Topology(in: surroundings ?? Surroundings())
        self.topology = topology
        enforcer = try topology.node.namespace.run { try mode.make(Self.policy) }
        _ = await enforcer.enforce(EnforcementBatch([], extent: .everything, on: topology.identity))
    }

    /// Pods are known, so that others are masqueraded.
    static let policy: MasqueradePolicy = {
        var policy = MasqueradePolicy()
        policy.podNetworks = Topology.podNetworks
        return policy
    }()

    func close() async {
        await enforcer.shutDown(grace: .zero)
        do {
            try node.namespace.run { try mode.leave() }
        } catch {
            Issue.record("\(error)")
        }
    }

    // MARK: Services

    /// A Service with a cluster IP of its own, not yet enforced.
    ///
    /// - Parameters:
    ///   - ports: port and the endpoints' port.
    ///   - pods: names of the Pods behind it.
    func service(
        _ name: String = "web", ports: [(UInt16, UInt16, TransportProtocol)] = [(80, 8080, .tcp)], _ pods: String...
    ) -> ServiceEntry {
        nextAddress += 1
        let network = Topology.serviceNetworks.first { $0.family == family }
        guard let ip = network?.first.advanced(by: nextAddress) else { preconditionFailure("no address left") }
        return ServiceEntry(
            key: NamespacedName(namespace: "default", name: name), uid: ObjectUID(name), clusterIPs: [ip],
            ports: ports.map { port, target, transport in
                ServicePortEntry(
                    name: ports.count > 1 ? "p\(port)-\(transport.rawValue.lowercased())" : "", transport: transport,
                    port: Port(port), endpoints: pods.map { endpoint($0, target) })
            })
    }

    func endpoint(_ pod: String, _ port: UInt16 = 8080) -> ServiceEndpoint {
        let isHere = pod == "a" || pod == "b"
        return ServiceEndpoint(
            address: SocketAddress(ip: topology.pod(pod).address(family), port: Port(port)),
            nodeName: isHere ? topology.node.name : topology.otherNode.name)
    }

    /// An address outside of the cluster that the client sends to this node for.
    func externalAddress(_ number: UInt64) -> IPAddress {
        let network = Topology.externalNetworks.first { $0.family == family }
        guard let ip = network?.first.advanced(by: number) else { preconditionFailure("no address \(number)") }
        return ip
    }

    /// Enforces Services as given, in one batch.
    @discardableResult
    func enforce(_ entries: ServiceEntry...) async -> EnforcementReport {
        await enforce(entries.map { ServiceChange(key: $0.key, before: services[$0.key], after: $0) })
    }

    @discardableResult
    func remove(_ entry: ServiceEntry) async -> EnforcementReport {
        await enforce([ServiceChange(key: entry.key, before: services[entry.key], after: nil)])
    }

    @discardableResult
    func enforceEverything() async -> EnforcementReport {
        await enforce(
            services.map { ServiceChange(key: $0.key, before: $0.value, after: $0.value) }.sorted { $0.key < $1.key },
            extent: .everything)
    }

    private func enforce(_ changes: [ServiceChange], extent: EnforcementBatch.Extent = .changes) async
        -> EnforcementReport
    {
        for change in changes { services[change.key] = change.after }
        let all = services
        let report = await enforcer.enforce(
            EnforcementBatch(changes, extent: extent, on: topology.identity, services: { all }))
        for problem in report.problems.values.joined() where problem.isWorthRepeating {
            Issue.record("\(problem.key): \(problem.reason), \(problem.message)")
        }
        return report
    }

    // MARK: Questions

    /// Time for an answer that is to come: only a machine that stands still needs it.
    static let patience: Duration = .seconds(10)
    /// Time in which an answer that is not to come would have come.
    static let silence: Duration = .milliseconds(600)

    /// Asks once over a new connection or flow.
    func ask(
        from place: Topology.Place, _ ip: IPAddress, _ port: UInt16 = 80, _ transport: TransportProtocol = .tcp,
        within limit: Duration = PacketBench.patience
    ) throws -> Outcome {
        try Asker(in: place.namespace, to: SocketAddress(ip: ip, port: Port(port)), transport).begin(within: limit)
    }

    /// Whether nothing comes to any of them: asked at once, since each would be waited for otherwise.
    func isSilent(from places: [Topology.Place], _ addresses: (ip: IPAddress, port: UInt16)...) throws -> Bool {
        var open: [(name: String, asker: Asker, outcome: Outcome?)] = []
        for place in places {
            for (ip, port) in addresses {
                let asker = try Asker(in: place.namespace, to: SocketAddress(ip: ip, port: Port(port)), .tcp)
                open.append(("\(ip):\(port) from \(place.name)", asker, asker.connect()))
            }
        }
        let end = ContinuousClock.now + Self.silence
        let loud = open.compactMap { name, asker, early -> String? in
            let outcome = early ?? asker.hear(within: max(.zero, end - .now))
            return outcome == .silent ? nil : "\(name): \(outcome)"
        }
        if !loud.isEmpty { print("not silent: \(loud)") }
        return loud.isEmpty
    }

    /// Begins a connection, or a flow.
    func begin(
        from place: Topology.Place, _ ip: IPAddress, _ port: UInt16 = 80, _ transport: TransportProtocol = .tcp
    ) throws -> (asker: Asker, first: Outcome) {
        let asker = try Asker(in: place.namespace, to: SocketAddress(ip: ip, port: Port(port)), transport)
        return (asker, asker.begin(within: Self.patience))
    }

    /// Which servers answer how many of `count` new connections.
    func spread(
        from place: Topology.Place, _ ip: IPAddress, _ port: UInt16 = 80, _ transport: TransportProtocol = .tcp,
        count: Int
    ) throws -> [String: Int] {
        let address = SocketAddress(ip: ip, port: Port(port))
        return try place.namespace.run {
            var result: [String: Int] = [:]
            for _ in 0..<count {
                let outcome = try Asker(here: address, transport).begin(within: Self.patience)
                result[outcome.server ?? "\(outcome)", default: 0] += 1
            }
            return result
        }
    }

    /// Node 1, a Pod on it, and the client outside.
    var everywhere: [Topology.Place] { [topology.caller, topology.node, topology.client] }
    var client: Topology.Place { topology.client }
    var caller: Topology.Place { topology.caller }
    var node: Topology.Place { topology.node }
}
