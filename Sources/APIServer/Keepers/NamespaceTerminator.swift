import KubeModel
import Store
import Synchronization
import WatchCache

/// Empties namespaces that are being terminated and then lets them go: Pods are deleted first (KEP-5080), then every
/// other object, finalizers and grace periods are waited for, the finalizer "kubernetes" is taken from
/// `spec.finalizers`, and with that the namespace is gone. What is left meanwhile is told in `status.conditions`.
///
/// Level-triggered: each round reads what is there now. A round follows each change of what a namespace waits for, and
/// nothing runs while there is none. It begins again after a restart, for every namespace that was being terminated, and
/// for objects whose namespace is gone.
final class NamespaceTerminator: Sendable {
    private struct State {
        /// Namespaces with a round under way; true: another one is wanted behind it.
        var rounds: [String: Bool] = [:]
        /// Namespaces whose contents are waited for; true: a round is scheduled.
        var waiting: [String: Bool] = [:]
        var observations: [Observation] = []
        /// Follows all objects, as long as there are namespaces in `waiting`.
        var contents: Observation?
        var isStopped = false
    }

    private let namespaces: ServedResource
    private let resources: ServedResources
    private let store: any Store
    private let loop: KeeperLoop
    private let state = Mutex(State())

    /// Milliseconds between a change of what is waited for and the look at it, so that many changes cost one look.
    private static let changeDelay = 50
    /// When to try deletions again that failed.
    private static let failureDelay = 1000
    /// When to look for objects that a create under way put into a namespace that was just removed.
    private static let stragglerDelay = 1000
    /// Deletions that are begun before others get their turn on the loop.
    private static let deletionsATurn = 100
    private static let objectPrefix = "/registry/"

    init(namespaces: ServedResource, resources: ServedResources, store: any Store, loop: KeeperLoop) {
        self.namespaces = namespaces
        self.resources = resources
        self.store = store
        self.loop = loop
    }

    func start() {
        let prefix = namespaces.keyPrefix
        let observation = store.observe(prefix: prefix) { [weak self] events in
            for event in events where event.kind == .updated {
                self?.enqueue(String(event.key.dropFirst(prefix.count)))
            }
        }
        state.withLock { $0.observations.append(observation) }
        for namespace in namespaces.cache.list(namespace: nil, labels: nil, fields: nil).items {
            enqueue(namespace.name)
        }
        for resource in resources.namespaced {
            sweep(resource, resource.cache.list(namespace: nil, labels: nil, fields: nil).items)
        }
    }

    func stop() {
        let observations = state.withLock { state in
            state.isStopped = true
            let all = state.observations + [state.contents.take()].compactMap(\.self)
            state.observations = []
            state.waiting = [:]
            return all
        }
        for observation in observations { observation.cancel() }
    }

    // MARK: When a round runs

    /// Whether no round is under way, and none wanted at once.
    var isAtRest: Bool { state.withLock { $0.rounds.isEmpty } }

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
        if begins { loop.run { self.round(name) } }
    }

    private func finish(_ name: String) {
        let isWanted = state.withLock { state in
            let isWanted = state.rounds.removeValue(forKey: name) ?? false
            return isWanted && !state.isStopped
        }
        if isWanted { enqueue(name) }
    }

    /// From now on, changes of what is in the namespace lead to another round. To be called before looking.
    private func follow(_ name: String) {
        let isFirst = state.withLock { state in
            guard !state.isStopped else { return false }
            state.waiting[name] = false
            return state.waiting.count == 1 && state.contents == nil
        }
        guard isFirst else { return }
        let observation = store.observe(prefix: Self.objectPrefix) { [weak self] in self?.notice($0) }
        let other = state.withLock { state -> Observation? in
            if state.isStopped || state.contents != nil { return observation }
            state.contents = observation
            return nil
        }
        other?.cancel()
    }

    private func unfollow(_ name: String) {
        let observation = state.withLock { state in
            state.waiting[name] = nil
            return state.waiting.isEmpty ? state.contents.take() : nil
        }
        observation?.cancel()
    }

    /// On the store's thread.
    private func notice(_ events: [StoreEvent]) {
        var changed: [String] = []
        state.withLock { state in
            for event in events where event.kind != .created {
                guard let name = Self.namespace(ofKey: event.key), state.waiting[name] == false else { continue }
                state.waiting[name] = true
                changed.append(name)
            }
        }
        for name in changed {
            loop.run(afterMilliseconds: Self.changeDelay) {
                let isWaiting = self.state.withLock { state in
                    guard state.waiting[name] != nil else { return false }
                    state.waiting[name] = false
                    return true
                }
                if isWaiting { self.enqueue(name) }
            }
        }
    }

    /// "x" of "/registry/core/pods/x/a"; nil for what is in no namespace.
    private static func namespace(ofKey key: String) -> String? {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 5)
        return parts.count == 5 ? String(parts[3]) : nil
    }

    // MARK: A round

    private func round(_ name: String) {
        guard let document = terminating(name) else {
            unfollow(name)
            finish(name)
            return
        }
        follow(name)
        let left = contents(of: name)
        let fresh = left.filter { !$0.isTerminating }
        guard !fresh.isEmpty else {
            settle(name, document, left)
            return
        }
        delete(fresh) { failures in self.lookAgain(name, failures) }
    }

    /// Deletions were asked for: what is left now?
    private func lookAgain(_ name: String, _ failures: [String]) {
        guard let document = terminating(name) else {
            unfollow(name)
            finish(name)
            return
        }
        let left = contents(of: name)
        if failures.isEmpty, left.contains(where: { !$0.isTerminating }) {
            // The Pods are gone, and now it is the others' turn.
            state.withLock { $0.rounds[name] = true }
            finish(name)
            return
        }
        if !failures.isEmpty { loop.run(afterMilliseconds: Self.failureDelay) { self.enqueue(name) } }
        settle(name, document, left, failures)
    }

    private func terminating(_ name: String) -> JSONValue? {
        guard let namespace = namespaces.cache.get(namespace: "", name: name),
            // Unreadable would mean that it is no namespace: nothing to terminate.
            let document = try? namespaces.served(namespace), document["metadata"]["deletionTimestamp"] != nil
        else { return nil }
        return document
    }

    private struct Content {
        let resource: ServedResource
        let object: CachedObject
        let isTerminating: Bool
        let finalizers: [String]
    }

    /// The Pods, or when there are none, everything.
    private func contents(of name: String) -> [Content] {
        let snapshot = resources.current
        let pods = snapshot.find(group: "", version: "v1", plural: "pods").map { objects(in: name, of: [$0]) } ?? []
        return pods.isEmpty ? objects(in: name, of: snapshot.namespaced) : pods
    }

    private func objects(in name: String, of resources: [ServedResource]) -> [Content] {
        resources.flatMap { resource in
            resource.cache.list(namespace: name, labels: nil, fields: nil).items.map { object in
                // What is unreadable is deleted like everything else.
                let metadata = (try? resource.served(object))?["metadata"]
                return Content(
                    resource: resource, object: object, isTerminating: metadata["deletionTimestamp"] != nil,
                    finalizers: (metadata["finalizers"].array ?? []).compactMap(\.string))
            }
        }
    }

    private func delete(_ contents: [Content], _ done: @escaping @Sendable ([String]) -> Void) {
        let failures = Mutex<[String]>([])
        let counter = PendingCount(contents.count) { done(failures.withLock { $0 }) }
        deleteSome(contents.map { ($0.resource, $0.object) }[...]) { failure in
            if let failure { failures.withLock { $0.append(failure.message ?? "") } }
            counter.finishOne()
        }
    }

    private func deleteSome(
        _ objects: ArraySlice<(ServedResource, CachedObject)>, _ done: @escaping @Sendable (Status?) -> Void
    ) {
        for (resource, object) in objects.prefix(Self.deletionsATurn) { loop.discard(resource, object, done) }
        let rest = objects.dropFirst(Self.deletionsATurn)
        if !rest.isEmpty { loop.run { self.deleteSome(rest, done) } }
    }

    // MARK: What comes of it

    /// Everything is deleted that can be: tells what is left, or lets the namespace go.
    private func settle(_ name: String, _ document: JSONValue, _ left: [Content], _ failures: [String] = []) {
        var contents = NamespaceContents(failures: failures)
        for content in left {
            contents.remaining[content.resource.definition.groupResource, default: 0] += 1
            for finalizer in content.finalizers { contents.finalizers[finalizer, default: 0] += 1 }
        }
        let others = (document["spec"]["finalizers"].array ?? []).filter { $0 != "kubernetes" }
        let isHeld = !others.isEmpty || !(document["metadata"]["finalizers"].array ?? []).isEmpty
        // Nobody would read the conditions of a namespace that is gone at once.
        guard !left.isEmpty || isHeld else {
            release(name, document)
            return
        }
        let old = document["status"]["conditions"].array ?? []
        guard let conditions = NamespaceConditions.updated(old, contents, now: loop.now) else {
            if left.isEmpty { release(name, document) } else { finish(name) }
            return
        }
        write(name, .status) {
            $0["status"]["conditions"] = .array(conditions)
        } done: { isDone in
            if isDone, left.isEmpty { self.release(name, document) } else { self.finish(name) }
        }
    }

    /// The namespace is empty: takes "kubernetes" from its finalizers, which deletes it unless others are left.
    private func release(_ name: String, _ document: JSONValue) {
        unfollow(name)
        let finalizers = (document["spec"]["finalizers"].array ?? []).filter { $0 != "kubernetes" }
        guard finalizers.count != (document["spec"]["finalizers"].array ?? []).count else {
            finish(name)
            return
        }
        write(name, .finalize) {
            $0["spec"]["finalizers"] = .array(finalizers)
        } done: { _ in
            self.finish(name)
            self.loop.run(afterMilliseconds: Self.stragglerDelay) {
                for resource in self.resources.namespaced {
                    self.sweep(resource, resource.cache.list(namespace: name, labels: nil, fields: nil).items)
                }
            }
        }
    }

    private func write(
        _ name: String, _ subresource: Subresource, _ edit: @escaping @Sendable (inout JSONValue) -> Void,
        done: @escaping @Sendable (Bool) -> Void
    ) {
        let target = KeeperLoop.Target(resource: namespaces, name: name, subresource: subresource)
        loop.write(.amend(edit), to: target) { result in
            if case .success = result { done(true) } else { done(false) }
        }
    }

    /// Deletes objects in namespaces that do not exist.
    private func sweep(_ resource: ServedResource, _ objects: [CachedObject]) {
        for object in objects where namespaces.cache.get(namespace: "", name: object.namespace) == nil {
            loop.discard(resource, object)
        }
    }
}
