import KubeModel
import Patching
import Store
import WatchCache

/// The write verbs: request → change → admission → store → answer. One file a verb beside this one, and the path that they
/// share in `ObjectWriter+Write.swift`.
///
/// Everything up to the store runs on the calling thread; the store's answer arrives on its own thread, where only the
/// allocations are settled and the response is handed on. A lost race is tried again through `goOn`.
final class ObjectWriter: Sendable {
    let store: any Store
    let resources: ServedResources
    let namespaces: NamespaceLifecycle
    let renderer: ObjectRenderer
    let queue: any WorkQueue
    /// What happens to every object before it is stored, in order.
    let admission: [AdmissionStep]
    var surroundings: AdmissionSurroundings { AdmissionSurroundings(namespaces: namespaces, resources: resources) }

    /// How often a write without a `resourceVersion` of its own is tried against newer objects before 409.
    static let maxAttempts = 256

    init(
        store: any Store, resources: ServedResources, namespaces: NamespaceLifecycle, renderer: ObjectRenderer,
        queue: any WorkQueue, admission: [AdmissionStep] = AdmissionStep.standard
    ) {
        self.store = store
        self.resources = resources
        self.namespaces = namespaces
        self.renderer = renderer
        self.queue = queue
        self.admission = admission
    }

    /// Does what `operation` says and calls `done` once, now or from the store's thread.
    func perform(_ exchange: Exchange, _ operation: ResourceOperation, _ done: @escaping WriteCompletion) {
        do {
            switch operation.verb {
            case .create where operation.subresource == .eviction: try evict(exchange, operation, done)
            case .create where operation.subresource == .binding: try bind(exchange, operation, done)
            case .create: try create(exchange, operation, done)
            case .update: try update(exchange, operation, done)
            case .patch: try patch(exchange, operation, done)
            case .delete: try delete(exchange, operation, done)
            case .deletecollection: try deleteCollection(exchange, operation, done)
            case .get, .list, .watch, .connect: preconditionFailure("\(operation.verb) does not write")
            }
        } catch {
            done(.failure(error))
        }
    }

    func writeRequest(_ exchange: Exchange, _ operation: ResourceOperation, optionsKind: String) throws(Status)
        -> WriteRequest
    {
        let options = try WriteOptions(exchange.query, kind: optionsKind)
        var request = WriteRequest(
            resource: operation.resource, namespace: operation.namespace, name: operation.name,
            subresource: operation.subresource, options: options,
            shape: exchange.shape, user: exchange.user, now: exchange.now, warnings: exchange.warnings,
            manager: options.fieldManager.isEmpty
                ? FieldManagerIdentity.name(userAgent: exchange.request.userAgent) : options.fieldManager)
        request.goOn = exchange.goOn
        return request
    }

    /// Goes on with a request that has waited, on a thread that may compute.
    func goOn(_ request: WriteRequest, _ work: @escaping @Sendable () -> Void) {
        if let goOn = request.goOn { goOn(work) } else { queue.run(work) }
    }

    /// The answer with an object as it is now stored.
    func response(
        _ request: WriteRequest, status: Int = 200, stored bytes: [UInt8], revision: Revision?, warnings: [String],
        cached: CachedObject? = nil
    ) -> Result<OutgoingResponse, Status> {
        do {
            var response =
                if request.subresource == .scale {
                    try scaleResponse(request, stored: bytes, revision: revision)
                } else {
                    try renderer.object(
                        request.resource, stored: bytes, revision: revision, shape: request.shape, now: request.now,
                        cached: cached)
                }
            response.status = status
            request.warnings?.add(warnings)
            return .success(response)
        } catch {
            return .failure(error)
        }
    }

    /// The answer to a write that is on disk. Nearly always the cache has that very state, whose bytes are shared.
    func committedResponse(
        _ request: WriteRequest, name: String, status: Int = 200, stored bytes: [UInt8], revision: Revision,
        warnings: [String]
    ) -> Result<OutgoingResponse, Status> {
        if let cached = request.resource.cache.get(namespace: request.namespace, name: name),
            cached.revision == revision
        {
            return response(
                request, status: status, stored: cached.bytes, revision: nil, warnings: warnings, cached: cached)
        }
        return response(request, status: status, stored: bytes, revision: revision, warnings: warnings)
    }

    private func scaleResponse(_ request: WriteRequest, stored: [UInt8], revision: Revision?) throws(Status)
        -> OutgoingResponse
    {
        let bytes = try request.resource.served(bytes: revision.map { CachedObject.bytes(stored, with: $0) } ?? stored)
        do {
            let object = try JSONParser.parse(bytes)
            return try renderer.scale(try request.shown(object), shape: request.shape, now: request.now)
        } catch let status as Status {
            throw status
        } catch {
            throw Status.internalError("a stored object is not JSON")
        }
    }

    /// What the server itself settles behind a write that is done: no admission, no answer but how it ended.
    /// - Parameter done: called on the store's thread, or now.
    func settle(_ write: Write, of resource: ServedResource, _ done: @escaping @Sendable (Status?) -> Void) {
        let operation =
            switch write {
            case .create: "create"
            case .update: "update"
            case .delete: "delete"
            }
        store.submit(write) { result in
            if case .failure(let error) = result {
                done(Self.status(error, resource, operation: operation))
            } else {
                done(nil)
            }
        }
    }

    /// The answer to a failure of the store that no verb expects.
    static func status(_ error: StoreError, _ resource: ServedResource, operation: String) -> Status {
        switch error.code {
        case .full:
            .insufficientStorage(
                "insufficient storage: the server's disk is full, so the \(operation) was not stored; deletes, and updates "
                    + "that make nothing larger, are taken")
        case .closed: .serviceUnavailable("the server is shutting down")
        case .invalid: .tooLarge("limit of the store")
        default: .internalError("the store did not take the \(operation)")
        }
    }
}
