import KubeClient
import KubeModel
import Logging
import Synchronization

/// Follows the metadata of every object that can own or be owned: one list and watch for each resource that discovery
/// lists and that can be listed, watched and deleted. Kinds come and go with `refresh()`.
final class OwnershipMonitors: Sendable {
    typealias Delivery = @Sendable (OwnershipKind, ReflectorEvent<OwnedObject>) -> Void

    private struct Monitor {
        var kind: OwnershipKind
        var task: Task<Void, Never>
    }

    private struct State {
        var monitors: [GroupResource: Monitor] = [:]
        /// Of which the first list is awaited, and since when.
        var pending: [ObjectIdentifier: ContinuousClock.Instant] = [:]
        /// Every version, to resolve references.
        var kinds: [GroupVersionKind: ResourceDefinition] = [:]
        var isStopped = false
    }

    private let client: APIClient
    private let logger: Logger
    private let state = Mutex(State())

    /// As in Kubernetes: nothing depends on Events, and they are many.
    private static let ignored: Set<GroupResource> = [
        GroupResource(group: "", resource: "events"), GroupResource(group: "events.k8s.io", resource: "events"),
    ]
    /// A kind that cannot be listed holds up the others no longer than this.
    private static let patience = Duration.seconds(30)

    init(client: APIClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// The resource that `apiVersion` and `kind` of a reference mean; nil when the server has none.
    func resource(apiVersion: String, kind: String) -> ResourceDefinition? {
        guard let version = GroupVersion(apiVersion) else { return nil }
        return state.withLock { $0.kinds[version.kind(kind)] }
    }

    /// Whether every followed kind is listed, or has been tried for long.
    var isSynced: Bool {
        let now = ContinuousClock.now
        return state.withLock { $0.pending.values.allSatisfy { now - $0 > Self.patience } }
    }

    /// Returns once `isSynced`.
    func waitForSync() async throws {
        while !isSynced { try await Task.sleep(for: .milliseconds(20)) }
    }

    /// Reads discovery, follows the kinds that are new and stops following those that are gone. Returns the latter.
    ///
    /// - Parameter deliver: called from the task of the kind, one event of a kind at a time.
    func refresh(_ deliver: @escaping Delivery) async throws -> [OwnershipKind] {
        let discovery = try await client.discover()
        var wanted: [GroupResource: ResourceDefinition] = [:]
        for resource in discovery.preferred
        where resource.verbs.isSuperset(of: ["list", "watch", "delete"])
            && !Self.ignored.contains(resource.definition.groupResource)
        {
            wanted[resource.definition.groupResource] = resource.definition
        }
        let staleGroups = Set(discovery.staleVersions.map(\.group))
        return state.withLock { state in
            guard !state.isStopped else { return [] }
            var kinds = state.kinds.filter { staleGroups.contains($0.key.group) }
            for resource in discovery.resources { kinds[resource.definition.groupVersionKind] = resource.definition }
            state.kinds = kinds
            var gone: [OwnershipKind] = []
            for (name, monitor) in state.monitors
            where wanted[name] != monitor.kind.definition
                && !(wanted[name] == nil && staleGroups.contains(name.group))
            {
                monitor.task.cancel()
                state.monitors[name] = nil
                state.pending[ObjectIdentifier(monitor.kind)] = nil
                gone.append(monitor.kind)
            }
            for (name, definition) in wanted where state.monitors[name] == nil {
                let kind = OwnershipKind(definition)
                state.pending[ObjectIdentifier(kind)] = .now
                state.monitors[name] = Monitor(kind: kind, task: Task { await self.follow(kind, deliver) })
            }
            return gone
        }
    }

    /// Stops following everything; nothing is delivered after this returns.
    func stop() async {
        let tasks = state.withLock { state in
            state.isStopped = true
            defer { state.monitors = [:] }
            return state.monitors.values.map(\.task)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func follow(_ kind: OwnershipKind, _ deliver: Delivery) async {
        var reflector = Reflector<OwnedObject>(client: client, definition: kind.definition, logger: logger)
        reflector.projection = .metadata
        do {
            try await reflector.run { event in
                // What arrives after the kind was given up would never be taken back.
                guard !Task.isCancelled else { return }
                deliver(kind, event)
                if case .replaced = event {
                    self.state.withLock { $0.pending[ObjectIdentifier(kind)] = nil }
                }
            }
        } catch {
            // Only cancellation ends a reflector.
        }
    }
}
