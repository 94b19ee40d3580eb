import KubeModel
import Store
import Synchronization

/// Empties namespaces that are being terminated and then lets them go: every object inside is deleted, finalizers are
/// waited for, the finalizer "kubernetes" is taken from `spec.finalizers`, and with that the namespace is gone.
///
/// Level-triggered: each round reads what is there now. It begins again after a restart, for every namespace that was
/// being terminated, and for objects whose namespace is gone.
final class NamespaceTerminator: Sendable {
    private struct State {
        /// Namespaces with a round under way; true: another one is wanted behind it.
        var rounds: [String: Bool] = [:]
        var observation: Observation?
        var isStopped = false
    }

    private let namespaces: ServedResource
    private let resources: ServedResources
    private let store: any Store
    private let writer: ObjectWriter
    private let queue: any WorkQueue
    private let state = Mutex(State())

    /// Milliseconds between looks at a namespace whose objects wait for their finalizers.
    private static let pollInterval = 200
    /// When to look for objects that a create under way put into a namespace that was just removed.
    private static let stragglerDelay = 1000

    init(
        namespaces: ServedResource, resources: ServedResources, store: any Store, writer: ObjectWriter,
        queue: any WorkQueue
    ) {
        self.namespaces = namespaces
        self.resources = resources
        self.store = store
        self.writer = writer
        self.queue = queue
    }

    func start() {
        let prefix = namespaces.keyPrefix
        let observation = store.observe(prefix: prefix) { [weak self] events in
            for event in events where event.kind == .updated {
                self?.enqueue(String(event.key.dropFirst(prefix.count)))
            }
        }
        state.withLock { $0.observation = observation }
        for namespace in namespaces.cache.list(namespace: nil, labels: nil, fields: nil).items {
            enqueue(namespace.name)
        }
        sweep()
    }

    func stop() {
        let observation = state.withLock { state in
            state.isStopped = true
            return state.observation.take()
        }
        observation?.cancel()
    }

    private func enqueue(_ name: String) {
        let begins = state.withLock { state in
            guard !state.isStopped else { return false }
            if state.rounds[name] != nil {
                state.rounds[name] = true
                return false
            }
            state.rounds[name] = false
            return true
        }
        if begins { queue.run { self.round(name) } }
    }

    private func round(_ name: String) {
        guard let namespace = namespaces.cache.get(namespace: "", name: name),
            // Unreadable would mean that it is no namespace: nothing to terminate.
            let document = try? namespaces.served(namespace), document["metadata"]["deletionTimestamp"] != nil
        else {
            finish(name, again: false)
            return
        }
        let objects = resources.namespaced.flatMap { resource in
            resource.cache.list(namespace: name, labels: nil, fields: nil).items.map { (resource, $0) }
        }
        guard !objects.isEmpty else {
            release(name, document)
            return
        }
        delete(objects) { self.finish(name, again: true) }
    }

    private func delete(_ objects: [(ServedResource, CachedObject)], _ done: @escaping @Sendable () -> Void) {
        let counter = PendingCount(objects.count, done)
        for (resource, object) in objects {
            writer.discard(resource, object, now: SystemClock.now) { counter.finishOne() }
        }
    }

    /// The namespace is empty: takes "kubernetes" from its finalizers, which deletes it unless others are left.
    private func release(_ name: String, _ document: JSONValue) {
        let finalizers = (document["spec"]["finalizers"].array ?? []).filter { $0 != "kubernetes" }
        guard finalizers.count != (document["spec"]["finalizers"].array ?? []).count else {
            finish(name, again: false)
            return
        }
        let request = WriteRequest(
            resource: namespaces, namespace: "", name: name, subresource: .finalize, options: WriteOptions(),
            shape: .json, user: .local, now: SystemClock.now)
        let change = ObjectWriter.Change(retriesLostRaces: true) { old, _ in
            var new = old
            new["metadata"]["resourceVersion"] = nil
            new["spec"]["finalizers"] = .array(finalizers)
            return new
        }
        do throws(Status) {
            try writer.apply(change, request, attempt: 1) { _ in
                self.finish(name, again: false)
                _ = self.queue.run(afterMilliseconds: Self.stragglerDelay) { self.sweep() }
            }
        } catch {
            finish(name, again: error.code != 404)
        }
    }

    private func finish(_ name: String, again: Bool) {
        let isWanted = state.withLock { state in
            let isWanted = state.rounds.removeValue(forKey: name) ?? false
            return isWanted && !state.isStopped
        }
        if isWanted {
            enqueue(name)
        } else if again {
            _ = queue.run(afterMilliseconds: Self.pollInterval) { self.enqueue(name) }
        }
    }

    /// Deletes objects in namespaces that do not exist.
    private func sweep() {
        for resource in resources.namespaced {
            for object in resource.cache.list(namespace: nil, labels: nil, fields: nil).items
            where namespaces.cache.get(namespace: "", name: object.namespace) == nil {
                writer.discard(resource, object, now: SystemClock.now)
            }
        }
    }
}
