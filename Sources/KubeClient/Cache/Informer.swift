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
/// after it is in the store, one at a time and in order; they must return quickly (enqueue a key). After a relist,
/// what vanished in between is reported as deleted. A handler added later first gets everything as `added`.
public final class Informer<Object: KubeObject>: AnyInformer {
    public typealias Handler = @Sendable (InformerChange<Object>) -> Void

    public let store: ObjectStore<Object>
    private let reflector: Reflector<Object>
    private let prune: @Sendable (inout Object) -> Void
    private let synced = Latch()
    // Held while handlers run, so that each sees changes in order; handlers must not add handlers.
    private let handlers = Mutex<(next: Int, byID: [Int: Handler])>((0, [:]))

    /// - Parameters:
    ///   - indexes: further ways to find objects, by index name.
    ///   - prune: drops what the component does not use before an object is kept. `metadata.managedFields` and the
    ///     annotation of `kubectl apply` are always dropped.
    public init(
        client: APIClient, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        indexes: [String: ObjectStore<Object>.Index] = [:], logger: Logger,
        prune: @escaping @Sendable (inout Object) -> Void = { _ in }
    ) {
        store = ObjectStore(indexes: indexes)
        reflector = Reflector(
            client: client, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
            logger: logger)
        self.prune = prune
    }

    public var description: String { Object.definition.plural }

    /// Whether the first list is in the store and was delivered to the handlers.
    public var hasSynced: Bool { synced.isOpen }

    /// Returns once `hasSynced`; throws `CancellationError` when the task is cancelled before.
    public func waitForSync() async throws { try await synced.wait() }

    /// Adds a handler, which gets all present objects as `added` before this returns, then every change until the
    /// registration is cancelled.
    @discardableResult
    public func addHandler(_ handler: @escaping Handler) -> HandlerRegistration {
        let id = handlers.withLock { handlers in
            for object in store.snapshot().values { handler(.added(object)) }
            handlers.next += 1
            handlers.byID[handlers.next] = handler
            return handlers.next
        }
        return HandlerRegistration { [weak self] in
            self?.handlers.withLock { _ = $0.byID.removeValue(forKey: id) }
        }
    }

    /// Mirrors until the task is cancelled. Must not run twice at a time.
    public func run() async throws {
        try await reflector.run { self.take($0) }
    }

    private func take(_ event: ReflectorEvent<Object>) {
        handlers.withLock { handlers in
            switch event {
            case .applied(let object): apply(object, handlers.byID)
            case .deleted(let key):
                if let old = store.remove(key) { Self.tell(.deleted(old), handlers.byID) }
            case .replaced(let objects, _):
                var gone = Set(store.keys)
                for object in objects {
                    gone.remove(NamespacedName(object.metadata))
                    apply(object, handlers.byID)
                }
                for key in gone {
                    if let old = store.remove(key) { Self.tell(.deleted(old), handlers.byID) }
                }
            }
        }
        if case .replaced = event { synced.open() }
    }

    private func apply(_ object: Object, _ handlers: [Int: Handler]) {
        var object = object
        object.metadata.managedFields = nil
        object.metadata.annotations?["kubectl.kubernetes.io/last-applied-configuration"] = nil
        prune(&object)
        guard let old = store.set(object) else { return Self.tell(.added(object), handlers) }
        // A relist repeats what did not change.
        if old.metadata.resourceVersion == object.metadata.resourceVersion, object.metadata.resourceVersion != nil {
            return
        }
        if old.metadata.uid != object.metadata.uid {
            Self.tell(.deleted(old), handlers)
            Self.tell(.added(object), handlers)
        } else {
            Self.tell(.updated(old: old, new: object), handlers)
        }
    }

    private static func tell(_ change: InformerChange<Object>, _ handlers: [Int: Handler]) {
        for handler in handlers.values { handler(change) }
    }
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
    func waitForSync() async throws
    func run() async throws
}
