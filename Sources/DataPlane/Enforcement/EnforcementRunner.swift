import KubeClient
import KubeModel
import Logging
import NetworkTypes
import System
import TrafficModel

/// Keeps an enforcer equal to the Services: cuts batches out of what changed, hands them over one at a time, repeats
/// what failed, and tells about addresses that are not served.
actor EnforcementRunner {
    /// How often what could not be done is tried again.
    static let retryPause: Duration = .seconds(5)

    private enum Work: Sendable {
        case services
        case node(NodeIdentity)
        case retry
        case loss(EnforcementLoss)
    }

    private let pieces: AsyncStream<Work>
    private let work: AsyncStream<Work>.Continuation
    private let state: TrafficState
    private let enforcer: any ServiceEnforcer
    private let recorder: EventRecorder
    private let logger: Logger
    private let retryPause: Duration
    private var node: NodeIdentity
    private(set) var ledger = EnforcementLedger()
    private(set) var times = SyncTimes()
    private var withoutLocal = NoLocalEndpoints()
    /// The last batch was refused as a whole: what it was to do is still to be done.
    private var isRefused = false
    private var isRetrying = false
    private var advice: String?

    init(
        state: TrafficState, enforcer: any ServiceEnforcer, recorder: EventRecorder, logger: Logger,
        node: NodeIdentity, retryPause: Duration = EnforcementRunner.retryPause
    ) {
        (pieces, work) = AsyncStream.makeStream(of: Work.self)
        self.state = state
        self.enforcer = enforcer
        self.recorder = recorder
        self.logger = logger
        self.node = node
        self.retryPause = retryPause
    }

    /// Enforces what the informers have synced by now, all of it, for the node as it is known by now. Call once, before
    /// `run()`.
    func enforceFirst(on node: NodeIdentity) async {
        self.node = node
        let (changes, triggers) = state.takeServiceChanges(repeating: .ofAll)
        await enforce(
            changes.filter { $0.after != nil }.map { ServiceChange(key: $0.key, before: nil, after: $0.after) },
            .everything, triggers)
    }

    /// The node has other addresses, or goes by them otherwise, from now on.
    nonisolated func setNode(_ node: NodeIdentity) { work.yield(.node(node)) }

    /// Follows the changes until cancelled.
    func run() async {
        let work = work
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [state] in for await _ in state.servicesChanged.changes { work.yield(.services) } }
            group.addTask { [enforcer] in for await loss in enforcer.losses { work.yield(.loss(loss)) } }
            group.addTask { for await crowding in self.enforcer.crowding { await self.tell(crowding) } }
            group.addTask { await self.workThrough() }
            await group.waitForAll()
        }
    }

    /// One piece of work at a time: a batch is done before the next one is cut.
    private func workThrough() async {
        for await piece in pieces {
            switch piece {
            case .services: await enforce(repeating: .none, .changes)
            case .node(let node): await take(node)
            case .retry:
                isRetrying = false
                // What a refused batch was to do is known to nobody: a deletion leaves no problem in the ledger.
                if isRefused {
                    await enforce(repeating: .ofAll, .everything)
                } else {
                    await enforce(repeating: .of(ledger.worthRepeating), .changes)
                }
            case .loss(.services(let keys)):
                logger.warning("\(keys.count) Services are no longer enforced: enforcing them again")
                await enforce(repeating: .of(keys), .changes)
            case .loss(.everything):
                logger.warning("Services are no longer enforced: enforcing all of them again")
                await enforce(repeating: .ofAll, .everything)
            }
        }
    }

    private func take(_ node: NodeIdentity) async {
        guard node != self.node else { return }
        if node.nodePortAddresses != self.node.nodePortAddresses {
            let text = node.nodePortAddresses.map(\.description).joined(separator: ", ")
            logger.info("node port addresses are now \(text)")
        }
        self.node = node
        await enforce(repeating: .ofAll, .changes)
    }

    /// Of the Services as enforced.
    var portsWithoutLocal: NoLocalEndpoints.Counts { withoutLocal.total }

    /// Whatever the reason for a batch, it takes along what changed: nobody enforces a state that the next one forgets.
    private func enforce(repeating repetition: TrafficState.Repetition, _ extent: EnforcementBatch.Extent) async {
        let (changes, triggers) = state.takeServiceChanges(repeating: repetition)
        await enforce(changes, extent, triggers)
    }

    private func enforce(
        _ changes: [ServiceChange], _ extent: EnforcementBatch.Extent, _ triggers: [Int64]
    ) async {
        guard !changes.isEmpty || extent == .everything else {
            // Changes that took each other back.
            if !isRefused { state.finishServiceChanges() }
            return
        }
        let batch = EnforcementBatch(changes, extent: extent, on: node) { [state] in state.services() }
        let clock = ContinuousClock()
        let began = clock.now
        let report = await enforcer.enforce(batch)
        let took = clock.now - began
        logger.debug(
            "enforced \(changes.count) changed Services\(extent == .everything ? ", and all others" : "") in \(took)\(report.failure.map { ": \($0)" } ?? "")"
        )
        times.add(
            took, services: changes.count, extent: extent, isInEffect: report.failure == nil,
            triggers: triggers, now: Double(SystemClock.microsecondsSinceEpoch) / 1e6)
        isRefused = report.failure != nil
        if !isRefused { state.finishServiceChanges() }
        withoutLocal.take(changes, on: node)
        for change in changes { tellOfBalancing(change) }
        let gone = changes.lazy.filter { $0.after == nil }.map(\.key)
        for news in ledger.take(report, gone: gone) { tell(news) }
        let advice = EnforcementAdvice.permission(ledger)
        if let advice, advice != self.advice { logger.warning("\(advice)") }
        self.advice = advice
        scheduleRetry()
    }

    private func scheduleRetry() {
        guard !isRetrying, isRefused || !ledger.worthRepeating.isEmpty else { return }
        isRetrying = true
        Task { [work, retryPause] in
            // Ends early only when the process ends.
            try? await Task.sleep(for: retryPause)
            work.yield(.retry)
        }
    }

    private func tell(_ news: EnforcementLedger.News) {
        switch news {
        case .ended(let service, let problem):
            guard case .conflict = problem.reason else {
                logger.info("Service \(service): serving \(problem.key)")
                return
            }
        case .began(let service, let problem):
            let isQuiet = service == EnforcementLedger.quietService
            logger.log(
                level: isQuiet ? .info : .warning,
                "Service \(service): \(problem.key) is not served: \(EnforcementAdvice.words(problem))")
            guard !isQuiet else { return }
            var reason = "AddressNotServed"
            if case .conflict = problem.reason { reason = "AddressConflict" }
            recorder.record(
                .warning, about: reference(to: service), reason: reason,
                message: EnforcementAdvice.message(problem, node: node.name))
        }
    }

    /// Each report is a line of the log; an Event says no figures, so that repeats are one Event.
    private func tell(_ crowding: RelayCrowding) {
        logger.warning("\(crowding)")
        for share in crowding.shares {
            let fate = share.ended > 0 ? "connections are ended to make room for others" : "new connections are refused"
            let most = share.largestPeer.map { "; most are from \($0)" } ?? ""
            recorder.record(
                .warning, about: reference(to: share.service), reason: "ConnectionsCrowded",
                message: "the relay on node \(node.name) has all the connections that it may have: \(fate)\(most)")
        }
    }

    /// Once for what the annotation says, until it says something else.
    private func tellOfBalancing(_ change: ServiceChange) {
        guard let after = change.after, change.before?.balancing != after.balancing else { return }
        guard case .unknown(let text) = after.balancing else {
            guard !enforcer.balances(by: after.balancing) else { return }
            recorder.record(
                .warning, about: reference(to: change.key), reason: "UnsupportedBalancing",
                message:
                    "\(ServiceBalancing.annotation): the proxy mode of node \(node.name) cannot do that; endpoints are "
                    + "chosen at random")
            return
        }
        recorder.record(
            .warning, about: reference(to: change.key), reason: "UnknownBalancing",
            message:
                "\(ServiceBalancing.annotation) is \"\(text)\": there are random, consistent-hash and "
                + "least-connections; endpoints are chosen as without it")
    }

    private func reference(to service: NamespacedName) -> ObjectReference {
        var reference = ObjectReference()
        reference.apiVersion = "v1"
        reference.kind = "Service"
        reference.namespace = service.namespace
        reference.name = service.name
        reference.uid = state.service(service)?.uid.description
        return reference
    }
}
