public import KubeModel
public import Logging
import Synchronization

/// A change in an informer's store.
public enum InformerChange<Object: KubeObject>: Sendable {
    case added(Object)
    case updated(old: Object, new: Object)
    /// With the last state that was known.
    case deleted(Object)

    /// The object after the change, or the last state before its deletion.
    public var object: Object {
        switch self {
        case .added(let object), .updated(_, let object), .deleted(let object): object
        }
    }

    public var key: NamespacedName { NamespacedName(object.metadata) }
}

/// A shared, self-repairing cache of one resource.
///
/// `run()` keeps `store` equal to the server's objects by list and watch. Any number of handlers learn of every change
/// after it is in the store, one at a time and in order; they must return quickly (enqueue a key). Of one change they learn
/// in the order in which they were added. After a relist,
/// what vanished in between is reported as deleted. A handler added later first gets everything as `added`.
public final class Informer<Object: KubeObject>: AnyInformer {
    public typealias Handler = @Sendable (InformerChange<Object>) -> Void

    public let store: ObjectStore<Object>
    private let reflector: Reflector<Object>
    private let prune: @Sendable (inout Object) -> Void
    private let reduce: @Sendable (inout Object) -> Void
    private let synced = Latch()
    private let clock: MonotonicClock
    private let contact: Contact
    // Held while handlers run, so that each sees changes in order; handlers must not add handlers.
    private let delivery = Mutex(Delivery())

    private struct Delivery {
        var nextID = 0
        /// In the order in which they were added.
        var handlers: [(id: Int, handler: Handler)] = []
        /// The newest revision that the server delivered.
        var revision: Int64 = 0
    }

    /// - Parameters:
    ///   - indexes: further ways to find objects, by index name.
    ///   - prune: drops what the component does not use before an object is kept. `metadata.managedFields` and the
    ///     annotation of `kubectl apply` are always dropped.
    ///   - reduce: drops what nobody needs once the handlers have heard of it: they get the whole object, the store keeps this.
    ///     Then add every handler before `run()`.
    public init(
        client: APIClient, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        indexes: [String: ObjectStore<Object>.Index] = [:], logger: Logger, clock: MonotonicClock = MonotonicClock(),
        prune: @escaping @Sendable (inout Object) -> Void = { _ in },
        reduce: @escaping @Sendable (inout Object) -> Void = { _ in }
    ) {
        store = ObjectStore(indexes: indexes)
        let contact = Contact()
        var reflector = Reflector<Object>(
            client: client, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
            logger: logger)
        reflector.clock = clock
        reflector.onContact = { heard in
            contact.state.withLock { heard ? $0.heard(at: clock.now) : $0.failed(at: clock.now) }
        }
        self.reflector = reflector
        self.clock = clock
        self.contact = contact
        self.prune = prune
        self.reduce = reduce
    }

    public var description: String { Object.definition.plural }

    /// Whether the first list is in the store and was delivered to the handlers.
    public var hasSynced: Bool { synced.isOpen }

    /// For how long nothing was heard from the server, while attempts fail; nil as long as they succeed. The store keeps
    /// what was known last.
    public var staleFor: Duration? { contact.state.withLock { $0.lostSince }.map { clock.now - $0 } }

    /// Returns once `hasSynced`; throws `CancellationError` when the task is cancelled before.
    public func waitForSync() async throws { try await synced.wait() }

    /// Adds a handler, which gets all present objects as `added` before this returns, then every change until the
    /// registration is cancelled.
    @discardableResult
    public func addHandler(_ handler: @escaping Handler) -> HandlerRegistration {
        let id = delivery.withLock { delivery in
            for object in store.snapshot().values { handler(.added(object)) }
            delivery.nextID += 1
            delivery.handlers.append((delivery.nextID, handler))
            return delivery.nextID
        }
        return HandlerRegistration { [weak self] in
            self?.delivery.withLock { $0.handlers.removeAll { $0.id == id } }
        }
    }

    /// Takes over an object that a write of ours returned, so that the next look at the store sees it at once.
    ///
    /// Does nothing when the watch has already delivered that revision or a later one: then the store is as new.
    public func absorb(_ object: Object) {
        delivery.withLock { delivery in
            guard let revision = object.revision, revision > delivery.revision else { return }
            apply(object, delivery.handlers)
        }
    }

    /// Forgets an object that we deleted or found missing, unless the store knows another one of that name by now.
    public func absorbDeletion(of key: NamespacedName, uid: String?) {
        delivery.withLock { delivery in
            guard let current = store[key], current.metadata.uid == uid else { return }
            store.remove(key)
            Self.tell(.deleted(current), delivery.handlers)
        }
    }

    /// Mirrors until the task is cancelled. Must not run twice at a time.
    public func run() async throws {
        try await reflector.run { self.take($0) }
    }

    private func take(_ event: ReflectorEvent<Object>) {
        delivery.withLock { delivery in
            switch event {
            case .applied(let object):
                delivery.revision = max(delivery.revision, object.revision ?? 0)
                apply(object, delivery.handlers)
            case .deleted(let key, _, let revision):
                let revision = Int64(revision) ?? 0
                delivery.revision = max(delivery.revision, revision)
                // What a write of ours brought in later is another object.
                if let known = store[key]?.revision, revision > 0, known > revision { return }
                if let old = store.remove(key) { Self.tell(.deleted(old), delivery.handlers) }
            case .replaced(let objects, let revision):
                let revision = Int64(revision) ?? 0
                // A list older than what was delivered comes from a server that began anew: its word counts.
                let isNewHistory = revision < delivery.revision
                delivery.revision = revision
                var gone = Set(store.keys)
                for object in objects {
                    gone.remove(NamespacedName(object.metadata))
                    apply(object, delivery.handlers, isNewHistory: isNewHistory)
                }
                for key in gone {
                    if !isNewHistory, let known = store[key]?.revision, known > revision { continue }
                    if let old = store.remove(key) { Self.tell(.deleted(old), delivery.handlers) }
                }
            }
        }
        if case .replaced = event { synced.open() }
    }

    private func apply(_ object: Object, _ handlers: [(id: Int, handler: Handler)], isNewHistory: Bool = false) {
        let key = NamespacedName(object.metadata)
        let old = store[key]
        if let old, let known = old.revision, let new = object.revision {
            // A relist repeats what did not change, and a watch what a write of ours brought in.
            if new == known || (new < known && !isNewHistory) { return }
        } else if let old, old.metadata.resourceVersion != nil,
            old.metadata.resourceVersion == object.metadata.resourceVersion
        {
            return
        }
        var object = object
        object.metadata.managedFields = nil
        object.metadata.annotations?["kubectl.kubernetes.io/last-applied-configuration"] = nil
        prune(&object)
        var kept = object
        reduce(&kept)
        store.set(kept)
        guard let old else { return Self.tell(.added(object), handlers) }
        if old.metadata.uid != object.metadata.uid {
            Self.tell(.deleted(old), handlers)
            Self.tell(.added(object), handlers)
        } else {
            Self.tell(.updated(old: old, new: object), handlers)
        }
    }

    private static func tell(_ change: InformerChange<Object>, _ handlers: [(id: Int, handler: Handler)]) {
        for entry in handlers { entry.handler(change) }
    }
}

extension KubeObject {
    /// The resource version as a number. Kubernetes compares them as integers since KEP-5504; servers of another mind
    /// give nil.
    fileprivate var revision: Int64? { metadata.resourceVersion.flatMap { Int64($0) } }
}

private final class Contact: Sendable {
    // The mutex protects the state.
    let state = Mutex(ContactState())
}

/// Ends the delivery to one handler.
public final class HandlerRegistration: Sendable {
    private let onCancel: @Sendable () -> Void

    init(_ onCancel: @escaping @Sendable () -> Void) { self.onCancel = onCancel }

    /// After this returns, the handler is not called again.
    public func cancel() { onCancel() }
}

/// An informer of any kind, as something that runs.
public protocol AnyInformer: AnyObject, Sendable, CustomStringConvertible {
    var hasSynced: Bool { get }
    var staleFor: Duration? { get }
    func waitForSync() async throws
    func run() async throws
}
