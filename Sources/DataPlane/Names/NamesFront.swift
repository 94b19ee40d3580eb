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
    private let tally: NamesTally
    private let logger: Logger
    /// Where the server listens.
    private let addresses: [SocketAddress]
    private var names: ClusterNames
    private var plan: NamesPlan
    /// The addresses of this machine.
    private var ownAddresses: Set<IPAddress>
    /// What the Corefile in use says; nil while there is none.
    private var corefile: (parsed: Corefile, files: [String: String])?
    /// There is a text with guards that is no Corefile, and none before it that could hold.
    private var isClosed = false
    /// What is to be said of the first Corefile, once the API can be waited for.
    private var untold: [Event] = []
    /// The servers that were said to be this one.
    private var ownUpstreams: [SocketAddress] = []
    private var areNamesAnswered = true
    /// The line of the Corefile that was said not to count.
    private var overruledLine: Corefile.Place?

    /// - Parameters:
    ///   - host: knows the servers of this machine.
    ///   - tally: is told what is in effect.
    init(
        state: TrafficState, server: NameServer, addresses: [SocketAddress], client: APIClient, informers: InformerSet,
        configuration: NamesConfiguration, ownAddresses: Set<IPAddress>, host: HostResolver,
        tally: NamesTally = NamesTally(), logger: Logger
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
        self.tally = tally
        self.ownAddresses = ownAddresses
        self.logger = logger
        plan = NamesPlan(configuration, NamesPlan.Circumstances(addresses: addresses, machine: ownAddresses))
        names = ClusterNames(plan.cluster, serial: UInt32(truncatingIfNeeded: SystemClock.secondsSinceEpoch))
        namespaces.addHandler { [namespacesChanged] _ in namespacesChanged.raise() }
    }

    /// Answers from what the informers have synced by now, and waits for nothing. Call once, before `run()`.
    func publishFirst() {
        // Before the plan, which may lead to a publication: a zone without its names would deny them.
        names.setNamespaces(Set(namespaces.keys.map(\.name)))
        names.add(state.followNames())
        untold = readCorefile()
        server.publish(names.data())
    }

    /// Makes this machine ask the server, once that can answer.
    ///
    /// - Returns: why that is not possible.
    nonisolated func wireHost() async -> String? {
        let own = addresses.first { $0.ip.isLoopback && $0.ip.family == .v4 } ?? addresses.first
        guard let own else { return nil }
        let problem = await withCheckedContinuation { continuation in
            let wire = { @Sendable [host, configuration] in
                do throws(DataPlaneError) {
                    try host.wire(own, configuration.domain)
                    continuation.resume(returning: String?.none)
                } catch {
                    continuation.resume(returning: error.message)
                }
            }
            // Whoever is told of it may take long. Without a thread of its own it is done here.
            let isTaken = (try? BoundedWorker(name: "host-wiring", capacity: 1))?.submit(wire) ?? false
            if !isTaken { wire() }
        }
        if problem == nil { await lookAround() }
        return problem
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
            group.addTask { await self.tellUntold() }
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
        let (changes, triggers) = state.takeNameChanges()
        guard names.apply(changes) else { return }
        server.publish(names.data())
        tally.add(triggers, now: SystemClock.microsecondsSinceEpoch)
        // The Service for DNS leads here: whoever is asked may have become this server.
        if clusterAddresses != plan.circumstances.clusterAddresses { planAnew() }
    }

    private func takeNamespaces() {
        if names.setNamespaces(Set(namespaces.keys.map(\.name))) { server.publish(names.data()) }
    }

    // MARK: The plan

    private func circumstances(_ files: [String: String]) -> NamesPlan.Circumstances {
        var circumstances = NamesPlan.Circumstances(
            addresses: addresses, clusterAddresses: clusterAddresses, machine: ownAddresses, files: files,
            nodes: nodes.entries)
        circumstances.resolvers = ResolverConfiguration(path: host.upstreamFile).upstreams(
            excluding: circumstances.ownServers, machine: ownAddresses)
        return circumstances
    }

    /// The cluster IPs of the Service for DNS, in order.
    private var clusterAddresses: [IPAddress] {
        let name = names.settings.domain.prefixed(by: "svc")?.prefixed(by: "kube-system")?.prefixed(by: "kube-dns")
        let records = name.flatMap { names.table[$0]?.records } ?? []
        return records.filter { $0.type == .a || $0.type == .aaaa }.compactMap { IPAddress(bytes: $0.data) }.sorted()
    }

    /// Plans anew where something around the Corefile is different.
    private func lookAround() {
        if circumstances(corefile?.files ?? [:]) != plan.circumstances { planAnew() }
    }

    private func planAnew() {
        use(present)
        // Another domain has another Service for DNS.
        if clusterAddresses != plan.circumstances.clusterAddresses { use(present) }
    }

    /// What is to be done as things are.
    private var present: NamesPlan {
        guard let corefile else {
            var plan = NamesPlan(configuration, circumstances([:]))
            if isClosed { plan.closeEverything() }
            return plan
        }
        return NamesPlan(configuration, corefile.parsed, circumstances(corefile.files))
    }

    private func takeCorefile() async { await tell(readCorefile()) }

    /// Reads the Corefile, and uses it where it is one; else the last one holds.
    ///
    /// - Returns: what is to be told of it.
    private func readCorefile() -> [Event] {
        guard let written = corefiles.current else {
            corefile = nil
            isClosed = false
            planAnew()
            return []
        }
        let parsed: Corefile
        do {
            parsed = try Corefile(written.text, files: written.files)
        } catch {
            isClosed = corefile == nil && NamesPlan.mentionsGuard(written.text)
            planAnew()
            let effect = isClosed ? "; it has guards, so every name is refused" : ""
            let event = CorefileEvents.event(
                "\(error); the Corefile is not used\(effect)", reason: "CorefileInvalid", about: written.map,
                now: WallClock.timestamp)
            return [event]
        }
        corefile = (parsed, written.files)
        isClosed = false
        planAnew()
        return CorefileEvents.events(plan.findings, about: written.map, now: WallClock.timestamp)
    }

    private func tellUntold() async {
        let events = untold
        untold = []
        await tell(events)
    }

    private func tell(_ events: [Event]) async {
        for event in events {
            do {
                _ = try await client.create(event)
            } catch let status as Status where status.isAlreadyExists {
                await repeatEvent(event)
            } catch {
                // Told again when the Corefile changes.
                logger.notice("ConfigMap \(CorefileSource.key): \(event.message ?? "")")
            }
        }
    }

    /// Says again what was said before, of another Corefile.
    private func repeatEvent(_ event: Event) async {
        let (name, namespace) = (event.metadata.name ?? "", event.metadata.namespace)
        do {
            // A node may write Events and not read them: a patch that changes nothing answers with what is there.
            let present = try await client.patch(Event.self, name, namespace: namespace, .merge([:]))
            guard let change = CorefileEvents.raised(present, by: event) else { return }
            _ = try await client.patch(Event.self, name, namespace: namespace, .merge(change))
        } catch {
            // Another node said it meanwhile, or the Event has just gone.
            logger.debug("Event \(name): \(error)")
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
            names.add(state.followNames())
        } else {
            names.setSettings(next.cluster)
        }
        if needsOtherNames || isOtherZone { server.publish(names.data()) }
        var policy = next.policy
        policy.access = ClientAccess(own: ownAddresses, limited: configuration.networks)
        for server in next.ownUpstreams where !ownUpstreams.contains(server) {
            logger.warning("the upstream server \(server) is this server: it is not asked")
        }
        ownUpstreams = next.ownUpstreams
        let overruled = configuration.upstreams.isEmpty ? nil : next.forwardLine
        if let overruled, overruled != overruledLine {
            logger.notice(
                """
                other names are asked of \(configuration.upstreamTexts.joined(separator: ", ")), as --dns-upstream says: \
                forward in the Corefile, \(overruled), does not count
                """)
        }
        overruledLine = overruled
        server.setPolicy(policy)
        tally.setPlugins(next.enabled)
        guard policy.answersFromAnyZone != areNamesAnswered else { return }
        areNamesAnswered = policy.answersFromAnyZone
        logger.notice(
            areNamesAnswered
                ? "names of the cluster are answered"
                : "names of the cluster are not answered: no block of the Corefile has the plugin kubernetes")
    }
}
