import KubeClient
import KubeModel
import Logging
import NetworkTypes
import TrafficModel
import Transport

/// Keeps the user-space proxy equal to the Services: takes what changed, plans, applies, and tells about addresses that
/// can't be served.
actor ServiceProxyRunner {
    /// How often an address that could not be opened is tried again.
    static let retryPause: Duration = .seconds(5)
    /// How often the machine's own addresses are looked at.
    static let addressPause: Duration = .seconds(15)

    private enum Work: Sendable {
        case services
        case addresses
        case retry
    }

    private let pieces: AsyncStream<Work>
    private let work: AsyncStream<Work>.Continuation
    private let state: TrafficState
    private let proxy: UserspaceServiceProxy
    private let recorder: EventRecorder
    private let logger: Logger
    private let nodeName: String
    private let nodePortRanges: [CIDR]
    private var node: NodeIdentity
    private var planner = ServiceProxyPlanner()
    /// Addresses without a socket, with the reason.
    private var failed: [ServiceListenerKey: String] = [:]
    private var reportedConflicts: Set<ServiceProxyPlanner.Conflict> = []
    private var isRetrying = false

    init(
        state: TrafficState, proxy: UserspaceServiceProxy, recorder: EventRecorder, logger: Logger, nodeName: String,
        nodePortRanges: [CIDR]
    ) {
        (pieces, work) = AsyncStream.makeStream(of: Work.self)
        self.state = state
        self.proxy = proxy
        self.recorder = recorder
        self.logger = logger
        self.nodeName = nodeName
        self.nodePortRanges = nodePortRanges
        node = NodeIdentity(name: nodeName, nodePortAddresses: NodeAddresses.current(in: nodePortRanges))
    }

    /// What a status line says about the service proxy.
    var summary: (addresses: Int, failed: [ServiceListenerKey: String]) { (planner.listeners.count, failed) }

    /// Enforces what the informers have synced by now. Call once, before `run()`.
    func enforceFirst() async { await apply(state.takeServiceChanges()) }

    /// Follows the changes until cancelled.
    func run() async {
        let work = work
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [state] in
                for await _ in state.servicesChanged.changes { work.yield(.services) }
            }
            group.addTask {
                while !Task.isCancelled {
                    // Ends only by cancellation, which the loop checks.
                    try? await Task.sleep(for: Self.addressPause)
                    work.yield(.addresses)
                }
            }
            group.addTask { await self.workThrough() }
            await group.waitForAll()
        }
    }

    /// One piece of work at a time: a plan is applied as a whole before the next one is made.
    private func workThrough() async {
        for await piece in pieces {
            switch piece {
            case .services: await apply(state.takeServiceChanges())
            case .addresses: await lookAtAddresses()
            case .retry: await retry()
            }
        }
    }

    private func lookAtAddresses() async {
        let addresses = NodeAddresses.current(in: nodePortRanges)
        guard addresses != node.nodePortAddresses else { return }
        logger.info("node port addresses are now \(addresses.map(\.description).joined(separator: ", "))")
        node.nodePortAddresses = addresses
        await apply(state.entries(of: state.allServiceKeys))
    }

    private func apply(_ changes: [(NamespacedName, ServiceEntry?)]) async {
        for (key, entry) in changes {
            let wanted = entry?.listeners(on: node) ?? [:]
            var plan = planner.update(key, wanted: wanted)
            // What never opened has nothing to change or close.
            plan = plan.compactMap { change in
                switch change {
                case .update(let key, let listener) where failed[key] != nil: .open(key, listener)
                case .close(let key) where failed.removeValue(forKey: key) != nil: nil
                default: change
                }
            }
            report(planner.conflicts(of: key), of: entry)
            guard !plan.isEmpty else { continue }
            for change in plan {
                if case .open(let key, _) = change { failed[key] = nil }
            }
            take(await proxy.apply(plan))
        }
    }

    private func take(_ failures: [UserspaceServiceProxy.Failure]) {
        for failure in failures {
            let isNew = failed.updateValue(failure.error.message, forKey: failure.key) == nil
            guard isNew else { continue }
            logger.warning("\(failure.listener.backend.port): cannot serve \(failure.key): \(failure.error)")
            tell(
                failure.listener.backend.port.service, reason: "AddressNotServed",
                message: "Node \(nodeName) cannot serve the \(failure.listener.role.rawValue) \(failure.key): "
                    + failure.error.message)
        }
        scheduleRetry()
    }

    private func scheduleRetry() {
        guard !failed.isEmpty, !isRetrying else { return }
        isRetrying = true
        Task { [work] in
            // Ends early only when the process ends.
            try? await Task.sleep(for: Self.retryPause)
            work.yield(.retry)
        }
    }

    private func retry() async {
        isRetrying = false
        let opens = failed.keys.compactMap { key in
            planner.listeners[key].map { ServiceProxyPlanner.Change.open(key, $0) }
        }
        let before = failed
        let failures = await proxy.apply(opens)
        let still = Set(failures.map(\.key))
        for case .open(let key, let listener) in opens where !still.contains(key) {
            failed[key] = nil
            logger.info("\(listener.backend.port): serving \(key)")
        }
        for failure in failures where before[failure.key] != failure.error.message {
            failed[failure.key] = failure.error.message
        }
        scheduleRetry()
    }

    private func report(_ conflicts: [ServiceProxyPlanner.Conflict], of entry: ServiceEntry?) {
        guard let entry else { return }
        let present = Set(conflicts)
        for conflict in present where reportedConflicts.insert(conflict).inserted {
            tell(
                entry.key, reason: "AddressConflict",
                message:
                    "\(conflict.key) is served for Service \(conflict.winner); this Service gets it when it is free")
        }
        reportedConflicts = reportedConflicts.filter { $0.loser != entry.key || present.contains($0) }
    }

    private func tell(_ service: NamespacedName, reason: String, message: String) {
        var reference = ObjectReference()
        reference.apiVersion = "v1"
        reference.kind = "Service"
        reference.namespace = service.namespace
        reference.name = service.name
        reference.uid = state.entries(of: [service]).first?.1?.uid
        recorder.record(.warning, about: reference, reason: reason, message: message)
    }
}
