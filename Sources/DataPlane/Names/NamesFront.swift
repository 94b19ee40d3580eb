import DNS
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import System
import Transport

/// Keeps the name server equal to the Services and namespaces.
actor NamesFront {
    private let state: TrafficState
    private let server: NameServer
    private let namespaces: ObjectStore<KeptNamespace>
    private let namespacesChanged = ChangeSignal()
    private let configuration: NamesConfiguration
    private let logger: Logger
    /// Where the server listens.
    private let addresses: [SocketAddress]
    private var names: ClusterNames
    /// The addresses of this machine.
    private var ownAddresses: Set<IPAddress>

    init(
        state: TrafficState, server: NameServer, addresses: [SocketAddress], namespaces: Informer<KeptNamespace>,
        configuration: NamesConfiguration, ownAddresses: Set<IPAddress>, logger: Logger
    ) {
        self.state = state
        self.server = server
        self.addresses = addresses
        self.namespaces = namespaces.store
        self.configuration = configuration
        self.ownAddresses = ownAddresses
        self.logger = logger
        names = ClusterNames(
            .init(domain: configuration.domain, servers: addresses.map(\.ip).filter { !$0.isUnspecified }),
            serial: UInt32(truncatingIfNeeded: SystemClock.secondsSinceEpoch))
        namespaces.addHandler { [namespacesChanged] _ in namespacesChanged.raise() }
    }

    /// Answers from what the informers have synced by now. Call once, before `run()`.
    func publishFirst() {
        names.setNamespaces(Set(namespaces.keys.map(\.name)))
        names.apply(state.followNames().map { (nil, $0) })
        server.setPolicy(policy)
        server.publish(names.data())
    }

    /// This machine has these addresses now.
    func setAddresses(_ addresses: Set<IPAddress>) {
        guard addresses != ownAddresses else { return }
        ownAddresses = addresses
        server.setPolicy(policy)
    }

    /// How the server answers on this machine as it is now.
    private var policy: AnswerPolicy {
        var policy = AnswerPolicy()
        policy.access = ClientAccess(own: ownAddresses, limited: configuration.networks)
        let upstreams =
            configuration.upstreams.isEmpty
            ? ResolverConfiguration(path: "/etc/resolv.conf").upstreams(excluding: addresses, machine: ownAddresses)
            : configuration.upstreams.filter { upstream in
                let isThisServer = addresses.contains { $0.isReached(by: upstream, on: ownAddresses) }
                if isThisServer { logger.warning("the upstream server \(upstream) is this server: not asked") }
                return !isThisServer
            }
        policy.forwardedZones = upstreams.isEmpty ? [] : [ForwardedZone(servers: upstreams)]
        return policy
    }

    /// Follows the changes until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.state.namesChanged.changes { await self.takeServices() } }
            group.addTask { for await _ in self.namespacesChanged.changes { await self.takeNamespaces() } }
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
}
