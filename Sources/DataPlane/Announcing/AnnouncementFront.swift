import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Synchronization

/// Everything that tells the network of load-balancer addresses: the plan, and what carries it out.
final class AnnouncementFront: Sendable {
    let state: AnnouncementState
    private let node: String
    private let leaseSeconds: Int
    private let client: APIClient
    private let leaseClient: APIClient
    private let logger: Logger
    private let announcer = Mutex<Layer2Announcer?>(nil)
    private let bgp: BGPFront

    /// - Parameters:
    ///   - leaseClient: a client of its own for what must not wait behind anything else.
    init(
        node: String, leaseSeconds: Int, traffic: TrafficState, client: APIClient, leaseClient: APIClient,
        logger: Logger
    ) {
        state = AnnouncementState(traffic)
        bgp = BGPFront(node: node, state: state, client: client, logger: logger)
        self.node = node
        self.leaseSeconds = leaseSeconds
        self.client = client
        self.leaseClient = leaseClient
        self.logger = logger
    }

    /// Called after the traffic's own handlers were added.
    func observe(
        _ informers: InformerSet, services: Informer<KeptService>, slices: Informer<KeptSlice>, ownNode: Informer<Node>
    ) {
        let addressPools = informers.informer(for: AddressPool.self)
        let pools = informers.informer(for: IPAddressPool.self)
        let bgpAdvertisements = informers.informer(for: BGPAdvertisement.self)
        state.observe(
            services: services, slices: slices, nodes: informers.informer(for: KeptAnnouncingNode.self),
            addressPools: addressPools)
        state.observe(
            pools: pools, l2Advertisements: informers.informer(for: L2Advertisement.self),
            bgpAdvertisements: bgpAdvertisements)
        bgp.observe(
            informers, advertisements: bgpAdvertisements, pools: pools, addressPools: addressPools, ownNode: ownNode)
    }

    /// Runs until cancelled; then gives up what is announced.
    ///
    /// - Parameters:
    ///   - obstacle: why this node can announce nothing, if so.
    ///   - addresses: the node's own.
    ///   - grace: how long what was said in the API may be taken back.
    func run(
        obstacle: String?, addresses: [IPAddress], recorder: EventRecorder, grace: Duration,
        onNotice: @escaping @Sendable (String) -> Void
    ) async throws {
        let leases = Informer<KeptAnnouncerLease>(
            client: client, namespace: AnnouncerLeases.namespace, logger: logger)
        let statuses = AnnouncementStatusWriter<ServiceL2Status>(node: node, client: client, logger: logger)
        let bgpStatuses = AnnouncementStatusWriter<ServiceBGPStatus>(node: node, client: client, logger: logger)
        let (announced, continuation) = AsyncStream.makeStream(
            of: [Layer2Announcer.Announced].self, bufferingPolicy: .bufferingNewest(1))
        let announcer = Layer2Announcer(
            node: node, leaseSeconds: leaseSeconds, obstacle: obstacle, client: leaseClient, state: state,
            recorder: recorder, logger: logger, onNotice: onNotice, onChange: { continuation.yield($0) })
        self.announcer.withLock { $0 = announcer }
        announcer.observe(leases)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The namespace has the Leases of all elections: who announces nothing here need not hear of them.
            if obstacle == nil {
                group.addTask { [state] in
                    try await state.waitForEntries(.layer2)
                    try await leases.run()
                }
            }
            group.addTask { [node] in
                for await list in announced { await statuses.set(AnnouncementStatusContent.contents(list, on: node)) }
            }
            group.addTask { await statuses.run(grace: grace) }
            group.addTask { await bgpStatuses.run(grace: grace) }
            group.addTask { [bgp] in
                await bgp.run(obstacle: obstacle, addresses: addresses, recorder: recorder) { announced in
                    await bgpStatuses.set(AnnouncementStatusContent.contents(announced))
                }
            }
            group.addTask {
                await announcer.run { if obstacle == nil { try await leases.waitForSync() } }
            }
            try await group.waitForAll()
        }
    }

    /// The end that follows is for good: routers forget this node's routes at once. Else those that know graceful restart keep
    /// them for the next process.
    func leave() { bgp.leave() }

    /// What `/metrics` says of announcing.
    func metrics() async -> String {
        guard let announcer = announcer.withLock({ $0 }) else { return "" }
        let own = await announcer.announced() + bgp.entries
        return AnnouncementMetrics.text(own, await announcer.snapshot(), node: node) + BGPMetrics.text(bgp.reports)
            + AnnouncementMetrics.text(state.uses)
    }
}
