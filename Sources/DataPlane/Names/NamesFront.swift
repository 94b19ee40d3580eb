import DNS
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import System
import Transport

/// Keeps the name server equal to the Services and namespaces, and to what a Corefile says of it.
actor NamesFront {
    /// How often `/etc/resolv.conf` is looked at.
    static let pause: Duration = .seconds(15)

    private let client: APIClient
    private let state: TrafficState
    private let server: NameServer
    private let namespaces: ObjectStore<KeptNamespace>
    private let namespacesChanged = ChangeSignal()
    private let corefiles: CorefileSource
    private let nodes: NodeHosts
    private let configuration: NamesConfiguration
    private let host: HostResolver
    private let logger: Logger
    /// Where the server listens.
    private let addresses: [SocketAddress]
    private var names: ClusterNames
    private var plan: NamesPlan
    /// The addresses of this machine.
    private var ownAddresses: Set<IPAddress>
    /// What the Corefile in use says; nil while there is none.
    private var corefile: (parsed: Corefile, files: [String: String])?

    /// - Parameter host: knows the servers of this machine.
    init(
        state: TrafficState, server: NameServer, addresses: [SocketAddress], client: APIClient, informers: InformerSet,
        configuration: NamesConfiguration, ownAddresses: Set<IPAddress>, host: HostResolver, logger: Logger
    ) {
        self.client = client
        self.state = state
        self.server = server
        self.addresses = addresses
        let namespaces = informers.informer(for: KeptNamespace.self)
        self.namespaces = namespaces.store
        corefiles = CorefileSource(informers)
        nodes = NodeHosts(client: client, logger: logger)
        self.configuration = configuration
        self.host = host
        self.ownAddresses = ownAddresses
        self.logger = logger
        plan = NamesPlan(configuration, NamesPlan.Circumstances(addresses: addresses))
        names = ClusterNames(plan.cluster, serial: UInt32(truncatingIfNeeded: SystemClock.secondsSinceEpoch))
        namespaces.addHandler { [namespacesChanged] _ in namespacesChanged.raise() }
    }

    /// Answers from what the informers have synced by now. Call once, before `run()`.
    func publishFirst() async {
        await takeCorefile()
        names.setNamespaces(Set(namespaces.keys.map(\.name)))
        names.apply(state.followNames().map { (nil, $0) })
        server.publish(names.data())
    }

    /// Makes this machine ask the server, once that can answer.
    ///
    /// - Returns: why that is not possible.
    func wireHost() -> String? {
        let own = addresses.first { $0.ip.isLoopback && $0.ip.family == .v4 } ?? addresses.first
        guard let own else { return nil }
        do throws(DataPlaneError) {
            try host.wire(own, configuration.domain)
            lookAround()
            return nil
        } catch {
            return error.message
        }
    }

    /// This machine has these addresses now.
    func setAddresses(_ addresses: Set<IPAddress>) {
        guard addresses != ownAddresses else { return }
        ownAddresses = addresses
        planAnew()
    }

    /// Follows the changes until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.state.namesChanged.changes { await self.takeServices() } }
            group.addTask { for await _ in self.namespacesChanged.changes { await self.takeNamespaces() } }
            group.addTask { for await _ in self.corefiles.changed.changes { await self.takeCorefile() } }
            group.addTask { for await _ in self.nodes.changed.changes { await self.lookAround() } }
            group.addTask { await self.nodes.run() }
            group.addTask {
                while !Task.isCancelled {
                    // Ends only by cancellation, which the loop checks.
                    try? await Task.sleep(for: Self.pause)
                    await self.lookAround()
                }
            }
            await group.waitForAll()
        }
    }

    private func takeServices() {
        let changes = state.takeNameChanges()
        if names.apply(changes) { server.publish(names.data()) }
    }

    private func takeNamespaces() {
        if names.setNamespaces(Set(namespaces.keys.map(\.name))) { server.publish(names.data()) }
    }

    // MARK: The plan

    private func circumstances(_ files: [String: String]) -> NamesPlan.Circumstances {
        // The cluster's address for DNS leads here too.
        let own = addresses + clusterAddresses.map { SocketAddress(ip: $0, port: 53) }
        return NamesPlan.Circumstances(
            resolvers: ResolverConfiguration(path: host.upstreamFile).upstreams(excluding: own, machine: ownAddresses),
            addresses: addresses, files: files, nodes: nodes.entries)
    }

    /// The cluster IPs of the Service for DNS.
    private var clusterAddresses: [IPAddress] {
        let name = names.settings.domain.prefixed(by: "svc")?.prefixed(by: "kube-system")?.prefixed(by: "kube-dns")
        let records = name.flatMap { names.table[$0]?.records } ?? []
        return records.filter { $0.type == .a || $0.type == .aaaa }.compactMap { IPAddress(bytes: $0.data) }
    }

    /// Plans anew where something around the Corefile is different.
    private func lookAround() {
        if circumstances(corefile?.files ?? [:]) != plan.circumstances { planAnew() }
    }

    private func planAnew() {
        if let corefile {
            use(NamesPlan(configuration, corefile.parsed, circumstances(corefile.files)))
        } else {
            use(NamesPlan(configuration, circumstances([:])))
        }
    }

    /// Reads the Corefile, tells what is not done of it, and uses it unless something in it cannot be meant.
    private func takeCorefile() async {
        guard let written = corefiles.current else {
            corefile = nil
            planAnew()
            return
        }
        let parsed: Corefile
        do {
            parsed = try Corefile(written.text, files: written.files)
        } catch {
            planAnew()
            let event = CorefileEvents.event(
                "\(error); the Corefile is not used", reason: "CorefileInvalid", about: written.map,
                now: WallClock.timestamp)
            return await tell([event])
        }
        let next = NamesPlan(configuration, parsed, circumstances(written.files))
        if next.isUsable { corefile = (parsed, written.files) }
        planAnew()
        await tell(
            CorefileEvents.events(
                next.findings, isUsed: next.isUsable, about: written.map, now: WallClock.timestamp))
    }

    private func tell(_ events: [Event]) async {
        for event in events {
            do {
                _ = try await client.create(event)
            } catch let status as Status where status.isAlreadyExists {
                // Somebody said so before.
            } catch {
                // Told again when the Corefile changes.
                logger.notice("ConfigMap \(CorefileSource.key): \(event.message ?? "")")
            }
        }
    }

    private func use(_ next: NamesPlan) {
        nodes.setWanted(corefile?.parsed.names(NamesPlan.nodeHosts) ?? false)
        let needsOtherNames = !next.cluster.hasNames(of: names.settings)
        let isOtherZone = next.cluster != names.settings
        plan = next
        if needsOtherNames {
            // From a serial that nobody has seen: the zone is another one.
            names = ClusterNames(next.cluster, serial: UInt32(truncatingIfNeeded: SystemClock.secondsSinceEpoch))
            names.setNamespaces(Set(namespaces.keys.map(\.name)))
            names.apply(state.followNames().map { (nil, $0) })
        } else {
            names.setSettings(next.cluster)
        }
        if needsOtherNames || isOtherZone { server.publish(names.data()) }
        var policy = next.policy
        policy.access = ClientAccess(own: ownAddresses, limited: configuration.networks)
        policy.forwardedZones = policy.forwardedZones.map { zone in
            var zone = zone
            // Nobody asks himself.
            let own = addresses + clusterAddresses.map { SocketAddress(ip: $0, port: 53) }
            zone.servers.removeAll { upstream in own.contains { $0.isReached(by: upstream, on: ownAddresses) } }
            return zone
        }
        server.setPolicy(policy)
    }
}
