import KubeClient
import KubeModel
import Logging

/// Removes RouteTables, EndpointSlices and Endpoints all of whose owners are gone (background deletion, for the kinds
/// that our own controllers make).
final class GarbageCollector: Controller {
    let name = "garbage-collector"
    private let client: APIClient
    private let services: Informer<Service>
    private let ingresses: Informer<Ingress>
    private let endpoints: Informer<Endpoints>
    private let slices: Informer<EndpointSlice>
    private let tables: Informer<RouteTable>
    private let logger: Logger

    private static let byOwner = "owner"

    enum Key: Hashable, Sendable {
        case slice(NamespacedName)
        case endpoints(NamespacedName)
        case table(NamespacedName)
    }

    init(_ context: ControllerContext) {
        client = context.client
        services = context.informers.informer()
        ingresses = context.informers.informer()
        endpoints = context.informers.informer(indexes: [Self.byOwner: { Self.owners($0.metadata) }])
        slices = context.informers.informer(indexes: [Self.byOwner: { Self.owners($0.metadata) }])
        tables = context.informers.informer(indexes: [Self.byOwner: { Self.owners($0.metadata) }])
        logger = context.logger
    }

    private static func owners(_ metadata: ObjectMeta) -> [String] { (metadata.ownerReferences ?? []).map(\.uid) }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(
            services.addHandler { [self] change in
                if case .deleted(let service) = change { addDependents(of: service.metadata, to: queue) }
            })
        scope.add(
            ingresses.addHandler { [self] change in
                if case .deleted(let ingress) = change { addDependents(of: ingress.metadata, to: queue) }
            })
        scope.add(
            endpoints.addHandler { [self] change in
                if case .deleted(let gone) = change { addDependents(of: gone.metadata, to: queue) }
                if change.object.metadata.ownerReferences != nil { queue.add(.endpoints(change.key)) }
            })
        scope.add(
            slices.addHandler { change in
                if change.object.metadata.ownerReferences != nil { queue.add(.slice(change.key)) }
            })
        scope.add(
            tables.addHandler { change in
                if change.object.metadata.ownerReferences != nil { queue.add(.table(change.key)) }
            })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] key in
            try await reconcile(key)
            return .settled
        }.run(after: [services, ingresses, endpoints, slices, tables])
        _ = consume scope
    }

    private func addDependents(of owner: ObjectMeta, to queue: WorkQueue<Key>) {
        guard let uid = owner.uid else { return }
        for slice in slices.store.objects(index: Self.byOwner, uid) {
            queue.add(.slice(NamespacedName(slice.metadata)))
        }
        for table in tables.store.objects(index: Self.byOwner, uid) {
            queue.add(.table(NamespacedName(table.metadata)))
        }
        for object in endpoints.store.objects(index: Self.byOwner, uid) {
            queue.add(.endpoints(NamespacedName(object.metadata)))
        }
    }

    func reconcile(_ key: Key) async throws {
        switch key {
        case .slice(let key): try await collect(slices, key)
        case .endpoints(let key): try await collect(endpoints, key)
        case .table(let key): try await collect(tables, key)
        }
    }

    private func collect<Object: KubeObject>(_ informer: Informer<Object>, _ key: NamespacedName) async throws {
        guard let object = informer.store[key],
            OwnerCheck.isOrphan(object.metadata, uid: { cachedUID($0, $1, key.namespace) }),
            try await isConfirmed(object.metadata)
        else { return }
        logger.info("removing \(Object.definition.kind) \(key): its owner is gone")
        do {
            try await client.delete(
                Object.self, key.name, namespace: key.namespace,
                options: DeleteOptions(uid: object.metadata.uid, propagationPolicy: "Background"))
        } catch let status as Status where status.isNotFound {
            // Somebody was faster.
        }
        informer.absorbDeletion(of: key, uid: object.metadata.uid)
    }

    private func cachedUID(_ kind: String, _ name: String, _ namespace: String) -> String? {
        switch kind {
        case "Service": services.store.get(name, namespace: namespace)?.metadata.uid
        case "Ingress": ingresses.store.get(name, namespace: namespace)?.metadata.uid
        case "Endpoints": endpoints.store.get(name, namespace: namespace)?.metadata.uid
        default: nil
        }
    }

    /// The caches of two kinds are not of the same moment: an owner may be too new for ours. The server decides.
    private func isConfirmed(_ metadata: ObjectMeta) async throws -> Bool {
        for owner in metadata.ownerReferences ?? [] {
            let definition: ResourceDefinition
            switch owner.kind {
            case "Service": definition = Service.definition
            case "Ingress": definition = Ingress.definition
            case "Endpoints": definition = Endpoints.definition
            default: return false
            }
            do {
                let live = try await client.get(definition, owner.name, namespace: metadata.namespace)
                if live["metadata"]["uid"]?.string == owner.uid { return false }
            } catch let status as Status where status.isNotFound {
                continue
            }
        }
        return true
    }
}
