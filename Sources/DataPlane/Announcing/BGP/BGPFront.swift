internal import Announcement
internal import KubeClient
internal import KubeModel
internal import Logging
internal import NetworkTypes
internal import Synchronization
internal import Transport

/// Tells routers of load-balancer addresses: what the announcement plan and the BGP kinds say, as sessions of this node.
final class BGPFront: Sendable {
    private struct Value {
        var speaker: BGPSpeaker?
        var told: Set<BGPPlan.Complaint> = []
        var entries: [AnnouncementPlan.Entry] = []
        /// Set while it runs.
        var recorder: EventRecorder?
        var isLeaving = false
    }

    private let node: String
    private let client: APIClient
    private let inputs: BGPInputs
    private let state: AnnouncementState
    private let logger: Logger
    private let value = Mutex(Value())

    init(node: String, state: AnnouncementState, client: APIClient, logger: Logger) {
        self.node = node
        self.client = client
        self.state = state
        self.logger = logger
        inputs = BGPInputs(BGPPlanner(node: node))
    }

    /// The informers are followed by others as well.
    func observe(
        _ informers: InformerSet, advertisements: Informer<BGPAdvertisement>, pools: Informer<IPAddressPool>,
        addressPools: Informer<AddressPool>, ownNode: Informer<Node>
    ) {
        inputs.observe(
            peers: informers.informer(for: BGPPeer.self), advertisements: advertisements,
            communities: informers.informer(for: Community.self), profiles: informers.informer(for: BFDProfile.self))
        inputs.observe(pools: pools, addressPools: addressPools, ownNode: ownNode)
    }

    /// Runs until cancelled. To be called when everything that is observed is in sync and enforced: what is announced first
    /// is all that there is, and with its end peers forget what an earlier process announced.
    ///
    /// In the end connections to peers that know graceful restart are closed without a word: rules in the kernel go on without
    /// this process, and the peers keep the routes until another process has come, for their restart time at most. Others get
    /// a Cease, and after `leave()` all do.
    ///
    /// - Parameters:
    ///   - obstacle: why this node can announce nothing, if so.
    ///   - addresses: the node's own.
    ///   - onAnnounced: called with the Services that are announced, when they have changed.
    func run(
        obstacle: String?, addresses: [IPAddress], recorder: EventRecorder,
        onAnnounced: @escaping @Sendable ([BGPPlan.Announced]) async -> Void
    ) async {
        value.withLock { $0.recorder = recorder }
        inputs.setNode(addresses: addresses, obstacle: obstacle)
        let passwords = PasswordWatch(client: client, logger: logger) { [inputs] in inputs.setPassword($0, $1) }
        let announcements = state.follow()
        inputs.changed.raise()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [inputs] in for await _ in announcements.changes { inputs.changed.raise() } }
            group.addTask { [self] in
                var last: BGPPlan?
                for await _ in inputs.changed.changes {
                    if Task.isCancelled { break }
                    await passwords.follow(inputs.secrets)
                    let announcements = state.plan()
                    let plan = inputs.plan(announcements)
                    let own = announcements.entries(.bgp).filter { [node] in $0.nodes.contains(node) }
                    let entries = plan.announced.isEmpty ? [] : Array(own)
                    value.withLock { $0.entries = entries }
                    guard plan != last else { continue }
                    follow(plan)
                    greet(
                        Set(plan.announced.map(\.service)), in: entries,
                        after: Set(last?.announced.map(\.service) ?? []))
                    if last?.announced != plan.announced { await onAnnounced(plan.announced) }
                    last = plan
                }
            }
            await group.waitForAll()
        }
        await passwords.stop()
        await stop()
    }

    /// How it stands with each peer.
    var reports: [BGPPeerReport] { value.withLock { $0.speaker }?.reports ?? [] }

    /// What this node announces to any peer.
    var entries: [AnnouncementPlan.Entry] { value.withLock { $0.entries } }

    private func follow(_ plan: BGPPlan) {
        let complaints = Set(plan.complaints)
        let new = value.withLock { value in
            defer { value.told = complaints }
            return complaints.subtracting(value.told)
        }
        for complaint in plan.complaints where new.contains(complaint) {
            logger.warning("BGP: \(complaint.object): \(complaint.message)")
            guard let reference = inputs.reference(complaint.kind, complaint.object) else { continue }
            value.withLock { $0.recorder }?
                .record(.warning, about: reference, reason: "NotFollowed", message: complaint.message)
        }
        logger.debug(
            "BGP: \(plan.peers.count) peers, \(plan.peers.reduce(0) { $0 + $1.routes.count }) routes, \(plan.announced.count) Services"
        )
        do throws(TransportError) {
            try speaker(for: plan)?.apply(plan.peers)
        } catch {
            logger.error("BGP: \(error.message)")
        }
    }

    /// An Event for each Service that is announced from now on.
    private func greet(
        _ services: Set<NamespacedName>, in entries: some Sequence<AnnouncementPlan.Entry>,
        after known: Set<NamespacedName>
    ) {
        let new = services.subtracting(known)
        guard !new.isEmpty, let recorder = value.withLock({ $0.recorder }) else { return }
        var greeted: Set<NamespacedName> = []
        for entry in entries {
            for service in entry.services where new.contains(service.key) && greeted.insert(service.key).inserted {
                // As MetalLB says it.
                recorder.record(
                    .normal, about: Layer2Announcer.reference(service), reason: "nodeAssigned",
                    message: "announcing from node \"\(node)\" with protocol \"bgp\"")
            }
        }
    }

    /// Made with the first peer: who has none pays for no thread.
    private func speaker(for plan: BGPPlan) throws(TransportError) -> BGPSpeaker? {
        if let speaker = value.withLock({ $0.speaker }) { return speaker }
        guard !plan.peers.isEmpty else { return nil }
        let speaker = try BGPSpeaker(isRestarting: true) { [weak self] in self?.note($0) }
        value.withLock { $0.speaker = speaker }
        return speaker
    }

    private func note(_ notice: BGPSpeaker.Notice) {
        switch notice {
        case .trouble(let peer, let words):
            logger.warning("BGP peer \(peer): \(words)")
            tell(.warning, peer, "SessionDown", "\(node): \(words)")
        case .established(let peer, let isNews):
            logger.info("BGP peer \(peer): the session is established")
            if isNews { tell(.normal, peer, "SessionUp", "\(node): the session is established") }
        case .changed: break
        }
    }

    private func tell(_ type: EventType, _ peer: String, _ reason: String, _ message: String) {
        // As `NamespacedName.description` writes it; neither part has a slash.
        let parts = peer.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2,
            let reference = inputs.reference(.peer, NamespacedName(namespace: parts[0], name: parts[1]))
        else { return }
        value.withLock { $0.recorder }?.record(type, about: reference, reason: reason, message: message)
    }

    /// The end that follows is for good: peers forget the routes at once.
    func leave() { value.withLock { $0.isLeaving = true } }

    private func stop() async {
        guard let speaker = value.withLock({ $0.speaker }) else { return }
        await withCheckedContinuation { continuation in
            let words = "\(node) stops announcing"
            let isLeaving = value.withLock(\.isLeaving)
            speaker.stop(isLeaving ? .withdrawing(words) : .keepingRoutes(words)) { continuation.resume() }
        }
    }
}
