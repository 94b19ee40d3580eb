import KubeClient
import KubeModel
import Logging

/// Checks the endpoints of Services that HealthChecks name, and marks those that fail in their EndpointSlices.
///
/// What was found stands in the slices themselves (``HealthMarks``), so another instance goes on where this one ended.
/// Nothing is written while nothing changes.
final class HealthCheckController: Controller {
    let name = "health-check-controller"
    private static let byService = "target"
    /// When targets that there was no room for are tried again.
    private static let roomMayBeFree = Duration.seconds(60)

    private enum Key: Hashable {
        case service(NamespacedName)
        /// The status of a check.
        case check(NamespacedName)
        /// A slice that names no Service.
        case stray(NamespacedName)
    }

    private let client: APIClient
    private let checks: Informer<HealthCheck>
    private let services: Informer<Service>
    private let slices: Informer<EndpointSlice>
    private let recorder: EventRecorder
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    init(_ context: ControllerContext) {
        client = context.client
        checks = context.informers.informer(indexes: [Self.byService: { Self.targets(of: $0).map { "\($0)" } }])
        services = EndpointIndexes.services(context.informers)
        slices = EndpointIndexes.slices(context.informers)
        recorder = context.recorder
        logger = context.logger
        wallClock = context.wallClock
    }

    func run() async throws {
        let queue = WorkQueue<Key>()
        let probeClient = try ProbeClient()
        let runner = CheckRunner(check: { await probeClient.check($0, timeout: $1) }) { [self] key, turn in
            tell(key, turn)
            queue.add(.service(key.service))
        }
        var scope = HandlerScope()
        scope.add(
            checks.addHandler { change in
                if case .updated(let old, let new) = change {
                    let isLeaving = new.metadata.deletionTimestamp != old.metadata.deletionTimestamp
                    guard old.spec != new.spec || isLeaving else { return }
                    for target in Self.targets(of: old) { queue.add(.service(target)) }
                }
                for target in Self.targets(of: change.object) { queue.add(.service(target)) }
                queue.add(.check(change.key))
            })
        scope.add(
            services.addHandler { [checks] change in
                // Only whether it is there matters.
                if case .updated = change { return }
                if !checks.store.objects(index: Self.byService, "\(change.key)").isEmpty {
                    queue.add(.service(change.key))
                }
            })
        scope.add(
            slices.addHandler { change in
                if case .updated(let old, _) = change, let owner = EndpointIndexes.owner(of: old) {
                    queue.add(.service(owner))
                }
                if let owner = EndpointIndexes.owner(of: change.object) {
                    queue.add(.service(owner))
                } else if change.object.metadata.annotations?[HealthMarks.annotation] != nil {
                    queue.add(.stray(change.key))
                }
            })
        let loop = ControllerLoop(name: name, queue: queue, workers: 4, logger: logger) { [self] (key: Key) in
            switch key {
            case .service(let service):
                let outcome = try await reconcile(service, runner)
                for check in checks.store.objects(index: Self.byService, "\(service)") {
                    queue.add(.check(NamespacedName(check.metadata)))
                }
                return outcome
            case .check(let check): try await reconcile(statusOf: check, runner)
            case .stray(let slice):
                if let slice = slices.store[slice], EndpointIndexes.owner(of: slice) == nil {
                    try await mark(slice, [])
                }
            }
            return .settled
        }
        let informers: [any AnyInformer] = [checks, services, slices]
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            group.addTask { try await loop.run(after: informers) }
            try await group.waitForAll()
        }
        _ = consume scope
    }

    private func reconcile(_ service: NamespacedName, _ runner: CheckRunner) async throws -> ReconcileOutcome {
        let slices = present(service)
        guard let check = check(for: service), let spec = check.spec, services.store[service] != nil else {
            runner.remove(service)
            for slice in slices { try await mark(slice, []) }
            return .settled
        }
        var wanted: [ProbeTarget: Bool] = [:]
        for slice in slices {
            let marked = HealthMarks.addresses(of: slice)
            for (address, target) in HealthVerdict.targets(of: slice, spec) {
                wanted[target] = !marked.contains(address) && wanted[target] ?? true
            }
        }
        let refused = runner.set(wanted, Self.pace(spec), for: service)
        let verdict = verdict(service, spec, runner)
        for slice in slices { try await mark(slice, verdict.unhealthy(in: slice)) }
        return refused == 0 ? .settled : .again(after: Self.roomMayBeFree)
    }

    private func reconcile(statusOf key: NamespacedName, _ runner: CheckRunner) async throws {
        guard let check = checks.store[key], check.metadata.deletionTimestamp == nil, let spec = check.spec else {
            return
        }
        let findings = Self.targets(of: check).map { service -> (service: String, finding: HealthFindings.Finding) in
            if Self.isReserved(service) { return (service.name, .reserved) }
            guard services.store[service] != nil else { return (service.name, .missing) }
            if let first = self.check(for: service), first.metadata.uid != check.metadata.uid {
                return (service.name, .taken(by: first.metadata.name ?? ""))
            }
            return (service.name, .checked(verdict(service, spec, runner)))
        }
        let status = HealthFindings(findings: findings).status(
            replacing: check.status, generation: check.metadata.generation, now: wallClock().timestamp)
        guard status != check.status else { return }
        tellOfAll(check, status)
        var wanted = check
        wanted.status = status
        do {
            checks.absorb(try await client.updateStatus(wanted))
        } catch let status as Status where status.isNotFound {
            checks.absorbDeletion(of: key, uid: check.metadata.uid)
        }
    }

    /// Writes what a mark changes, and nothing when nothing does.
    private func mark(_ slice: EndpointSlice, _ unhealthy: Set<String>) async throws {
        if unhealthy.isEmpty, slice.metadata.annotations?[HealthMarks.annotation] == nil { return }
        let wanted = HealthMarks.marked(HealthMarks.unmarked(slice), unhealthy)
        guard let patch = HealthMarks.patch(from: slice, to: wanted) else { return }
        let key = NamespacedName(slice.metadata)
        do {
            slices.absorb(
                try await client.patch(EndpointSlice.self, key.name, namespace: key.namespace, .json(patch)))
        } catch let status as Status where status.isNotFound {
            slices.absorbDeletion(of: key, uid: slice.metadata.uid)
        } catch let status as Status where status.isNamespaceTerminating {
            return
        }
    }

    private func verdict(
        _ service: NamespacedName, _ spec: HealthCheckSpec, _ runner: CheckRunner
    ) -> HealthVerdict {
        HealthVerdict(present(service).map(HealthMarks.unmarked), spec) { runner.isFailing($0, of: service) }
    }

    private func present(_ service: NamespacedName) -> [EndpointSlice] {
        slices.store.objects(index: EndpointIndexes.slicesByService, "\(service)").filter {
            $0.metadata.deletionTimestamp == nil
        }.sorted { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }
    }

    /// The check that a Service has: of several the oldest, then the first by name.
    private func check(for service: NamespacedName) -> HealthCheck? {
        guard !Self.isReserved(service) else { return nil }
        return checks.store.objects(index: Self.byService, "\(service)").filter {
            $0.metadata.deletionTimestamp == nil
        }.min { Self.age($0) < Self.age($1) }
    }

    private static func age(_ check: HealthCheck) -> (Int64, String) {
        (check.metadata.creationTimestamp?.secondsSinceEpoch ?? .max, check.metadata.name ?? "")
    }

    /// The API server writes its own endpoints, and would write over every mark.
    private static func isReserved(_ service: NamespacedName) -> Bool {
        service == NamespacedName(namespace: "default", name: "kubernetes")
    }

    private static func targets(of check: HealthCheck) -> [NamespacedName] {
        (check.spec?.targetRefs ?? []).map {
            NamespacedName(namespace: check.metadata.namespace ?? "", name: $0.name)
        }
    }

    private static func pace(_ spec: HealthCheckSpec) -> CheckRounds.Pace {
        let period = max(1, spec.periodSeconds ?? 10)
        return CheckRounds.Pace(
            period: .seconds(period), timeout: .seconds(min(period, max(1, spec.timeoutSeconds ?? 1))),
            successThreshold: spec.successThreshold ?? 1, failureThreshold: spec.failureThreshold ?? 3)
    }

    private func tell(_ key: CheckRounds.Key, _ turn: CheckRounds.Turn) {
        guard let service = services.store[key.service] else { return }
        let endpoint = "\(key.target.host), port \(key.target.port)"
        switch turn {
        case .failed(let why):
            recorder.record(
                .warning, about: service, reason: "EndpointUnhealthy",
                message: "Endpoint \(endpoint), fails its health check: \(why)")
        case .recovered:
            recorder.record(
                .normal, about: service, reason: "EndpointHealthy",
                message: "Endpoint \(endpoint), passes its health check again")
        }
    }

    private func tellOfAll(_ check: HealthCheck, _ status: HealthCheckStatus) {
        func reason(_ status: HealthCheckStatus?) -> String? {
            status?.conditions?.first { $0.type == "Healthy" }?.reason
        }
        guard reason(status) == "AllEndpointsFailing", reason(check.status) != "AllEndpointsFailing" else { return }
        let keeps = check.spec?.allFailedPolicy != "StopServing"
        recorder.record(
            .warning, about: check, reason: "AllEndpointsFailing",
            message: "Every endpoint fails: "
                + (keeps ? "all of them stay in service (allFailedPolicy)" : "none of them is in service"))
    }
}
