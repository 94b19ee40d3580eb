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
    }

    private let node: String
    private let inputs: BGPInputs
    private let state: AnnouncementState
    private let isForwardingPreserved: Bool
    private let recorder: EventRecorder
    private let logger: Logger
    private let value = Mutex(Value())

    /// - Parameter isForwardingPreserved: packets are forwarded while this process is away.
    init(
        node: String, addresses: [IPAddress], isForwardingPreserved: Bool, state: AnnouncementState,
        recorder: EventRecorder, logger: Logger
    ) {
        self.node = node
        self.state = state
        self.isForwardingPreserved = isForwardingPreserved
        self.recorder = recorder
        self.logger = logger
        var planner = BGPPlanner(node: node)
        planner.nodeAddresses = addresses
        planner.isForwardingPreserved = isForwardingPreserved
        inputs = BGPInputs(planner)
    }

    /// - Parameter shared: informers that others follow as well.
    func observe(
        _ informers: InformerSet, advertisements: Informer<BGPAdvertisement>, pools: Informer<IPAddressPool>,
        addressPools: Informer<AddressPool>, ownNode: Informer<Node>
    ) {
        inputs.observe(
            peers: informers.informer(for: BGPPeer.self), advertisements: advertisements,
            communities: informers.informer(for: Community.self),
            profiles: informers.informer(for: BFDProfile.self),
            passwords: informers.informer(for: KeptPassword.self, where: "type=\(KeptPassword.type)"))
        inputs.observe(pools: pools, addressPools: addressPools, ownNode: ownNode)
    }

    /// Runs until cancelled. To be called when everything that is observed is in sync and enforced: what is announced first
    /// is all that there is, and with its end peers forget what an earlier process announced.
    ///
    /// Routes stay with peers that know graceful restart where packets are forwarded without this process; else they are
    /// withdrawn.
    ///
    /// - Parameter onAnnounced: called with the Services that are announced, when they have changed.
    func run(onAnnounced: @escaping @Sendable ([BGPPlan.Announced]) async -> Void) async throws {
        let announcements = state.follow()
        inputs.changed.raise()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [inputs] in for await _ in announcements.changes { inputs.changed.raise() } }
            group.addTask { [self] in
                var last: BGPPlan?
                for await _ in inputs.changed.changes {
                    if Task.isCancelled { break }
                    let plan = inputs.plan(state.plan())
                    guard plan != last else { continue }
                    follow(plan)
                    if last?.announced != plan.announced { await onAnnounced(plan.announced) }
                    last = plan
                }
            }
            await group.waitForAll()
        }
        await stop()
    }

    /// How it stands with each peer.
    var reports: [BGPPeerReport] { value.withLock { $0.speaker }?.reports ?? [] }

    private func follow(_ plan: BGPPlan) {
        let complaints = Set(plan.complaints)
        let new = value.withLock { value in
            defer { value.told = complaints }
            return complaints.subtracting(value.told)
        }
        for complaint in plan.complaints where new.contains(complaint) {
            logger.warning("BGP: \(complaint.object): \(complaint.message)")
            guard let reference = inputs.reference(complaint.kind, complaint.object) else { continue }
            recorder.record(.warning, about: reference, reason: "NotFollowed", message: complaint.message)
        }
        do throws(TransportError) {
            try speaker(for: plan)?.apply(plan.peers)
        } catch {
            logger.error("BGP: \(error.message)")
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
        recorder.record(type, about: reference, reason: reason, message: message)
    }

    private func stop() async {
        guard let speaker = value.withLock({ $0.speaker }) else { return }
        await withCheckedContinuation { continuation in
            speaker.stop(isForwardingPreserved ? .keepingRoutes : .withdrawing("\(node) stops")) {
                continuation.resume()
            }
        }
    }
}
