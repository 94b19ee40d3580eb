import KubeClient
import KubeModel
import Logging

/// Removes bootstrap tokens when their time is over, and keeps ConfigMap `cluster-info` in `kube-public`, by which a
/// machine without credentials finds the authority (the parts of kubeadm's bootstrap that live in the cluster).
final class BootstrapTokenController: Controller {
    let name = "bootstrap-token-controller"
    private static let clusterInfo = NamespacedName(namespace: "kube-public", name: "cluster-info")

    private let client: APIClient
    private let tokens: Informer<Secret>
    private let infos: Informer<ConfigMap>
    private let slices: Informer<EndpointSlice>
    private let rootAuthority: String?
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    /// - Parameter rootAuthority: PEM; without it there is no `cluster-info`.
    init(_ context: ControllerContext, rootAuthority: String?) {
        client = context.client
        // Secrets that are no tokens are none of its business.
        tokens = Informer(
            client: context.client, namespace: BootstrapToken.namespace,
            fieldSelector: "type=\(BootstrapToken.secretType)", logger: context.logger)
        infos = context.informers.informer(named: Self.clusterInfo.name)
        slices = context.informers.informer(named: "kubernetes")
        logger = context.logger
        wallClock = context.wallClock
        self.rootAuthority = rootAuthority
    }

    private enum Key: Hashable, Sendable {
        case token(NamespacedName)
        case clusterInfo
    }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(tokens.addHandler { queue.add(.token($0.key)) })
        scope.add(infos.addHandler { if $0.key == Self.clusterInfo { queue.add(.clusterInfo) } })
        scope.add(slices.addHandler { if $0.key.namespace == "default" { queue.add(.clusterInfo) } })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [tokens] in try await tokens.run() }
            group.addTask { [self] in
                try await ControllerLoop(name: name, queue: queue, workers: 1, logger: logger) { [self] key in
                    switch key {
                    case .token(let key): return try await expire(key)
                    case .clusterInfo:
                        try await publish()
                        return .settled
                    }
                }.run(after: [tokens, infos, slices])
            }
            try await group.waitForAll()
        }
        _ = consume scope
    }

    private func expire(_ key: NamespacedName) async throws -> ReconcileOutcome {
        guard let secret = tokens.store[key], secret.metadata.deletionTimestamp == nil,
            // What cannot be read authenticates nobody, and is left for whoever wrote it.
            let record = try? BootstrapTokenRecord(secret), let end = record.expiration
        else { return .settled }
        let now = wallClock().timestamp
        guard record.isExpired(at: now) else {
            return .again(after: .seconds(end.secondsSinceEpoch - now.secondsSinceEpoch))
        }
        do {
            try await client.delete(
                Secret.self, key.name, namespace: key.namespace, options: DeleteOptions(uid: secret.metadata.uid))
            logger.notice("bootstrap token \(record.token.id) has expired and was removed")
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
        return .settled
    }

    private func publish() async throws {
        guard let rootAuthority, let server = Self.server(slices.store.get("kubernetes", namespace: "default")) else {
            return
        }
        let document: JSONValue = [
            "apiVersion": "v1", "kind": "Config", "preferences": [:], "contexts": [], "users": [],
            "current-context": "",
            "clusters": [
                [
                    "name": "",
                    "cluster": [
                        "server": .string(server),
                        "certificate-authority-data": .string(Base64.encode(Array(rootAuthority.utf8))),
                    ],
                ]
            ],
        ]
        let data = ["kubeconfig": String(decoding: YAMLDocument.encode(document), as: UTF8.self)]
        do {
            guard let present = infos.store[Self.clusterInfo] else {
                let metadata = ObjectMeta(name: Self.clusterInfo.name, namespace: Self.clusterInfo.namespace)
                return infos.absorb(try await client.create(ConfigMap(metadata: metadata, data: data)))
            }
            // Signatures of kubeadm's tokens may stand beside it; of another text they say nothing.
            guard present.data?["kubeconfig"] != data["kubeconfig"] else { return }
            var wanted = present
            wanted.data = data
            infos.absorb(try await client.update(wanted))
        } catch let status as Status where status.isAlreadyExists {
            // The watch brings it, and this look is repeated then.
        }
    }

    /// Where the API server says that it is.
    private static func server(_ slice: EndpointSlice?) -> String? {
        guard let address = slice?.endpoints?.first?.addresses?.first, let port = slice?.ports?.first?.port else {
            return nil
        }
        return "https://\(address.contains(":") ? "[\(address)]" : address):\(port)"
    }
}
