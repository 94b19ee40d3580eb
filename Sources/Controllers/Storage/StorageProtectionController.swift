import KubeClient
import KubeModel
import Logging

/// Lets PersistentVolumeClaims go when no Pod uses them any more, and PersistentVolumes when no claim holds them: takes
/// away the finalizers that their creation has set, and sets them where they are missing.
final class StorageProtectionController: Controller {
    let name = "storage-protection-controller"
    private let client: APIClient
    private let claims: Informer<PersistentVolumeClaim>
    private let volumes: Informer<PersistentVolume>
    private let pods: Informer<Pod>
    private let logger: Logger

    enum Key: Hashable, Sendable, CustomStringConvertible {
        case claim(NamespacedName)
        case volume(NamespacedName)

        var description: String {
            switch self {
            case .claim(let key): "PersistentVolumeClaim \(key)"
            case .volume(let key): "PersistentVolume \(key.name)"
            }
        }
    }

    private static let leaving = "leaving"

    init(_ context: ControllerContext) {
        client = context.client
        claims = context.informers.informer(indexes: [
            Self.leaving: { $0.metadata.deletionTimestamp == nil ? [] : [$0.metadata.namespace ?? ""] }
        ])
        volumes = context.informers.informer()
        pods = context.informers.informer()
        logger = context.logger
    }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(claims.addHandler { queue.add(.claim($0.key)) })
        scope.add(volumes.addHandler { queue.add(.volume($0.key)) })
        scope.add(
            pods.addHandler { [claims] change in
                for claim in claims.store.objects(index: Self.leaving, change.key.namespace) {
                    queue.add(.claim(NamespacedName(claim.metadata)))
                }
            })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] key in
            switch key {
            case .claim(let key): try await reconcileClaim(key)
            case .volume(let key): try await reconcileVolume(key)
            }
            return .settled
        }.run(after: [claims, volumes, pods])
        _ = consume scope
    }

    private func reconcileClaim(_ key: NamespacedName) async throws {
        guard let claim = claims.store[key] else { return }
        try await protect(claim, by: StorageFinalizers.claim) {
            // Asked of the server: what is decided on an older view could let storage go under a Pod.
            let pods = try await self.client.list(Pod.definition, namespace: key.namespace)
            return (pods["items"].array ?? []).contains { ClaimUse.uses($0, claim.metadata) }
        }
    }

    private func reconcileVolume(_ key: NamespacedName) async throws {
        guard let volume = volumes.store[key] else { return }
        try await protect(volume, by: StorageFinalizers.volume) { volume.status?.phase == "Bound" }
    }

    private func protect<Object: KubeObject>(
        _ object: Object, by finalizer: String, while isUsed: () async throws -> Bool
    ) async throws {
        let metadata = object.metadata
        let present = metadata.finalizers ?? []
        let wanted: [String]
        if metadata.deletionTimestamp == nil {
            guard !present.contains(finalizer) else { return }
            wanted = present + [finalizer]
        } else {
            guard present.contains(finalizer), try await !isUsed() else { return }
            wanted = present.filter { $0 != finalizer }
        }
        let patch: JSONValue = [
            "metadata": [
                "resourceVersion": .string(metadata.resourceVersion ?? ""), "finalizers": JSONValue(wanted),
            ]
        ]
        do {
            _ = try await client.patch(
                Object.definition, metadata.name ?? "", namespace: metadata.namespace, .merge(patch))
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }
}
