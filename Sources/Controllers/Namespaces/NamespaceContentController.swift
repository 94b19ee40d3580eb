import KubeClient
import KubeModel
import Logging

/// Keeps in every namespace what Kubernetes promises to be there: the ServiceAccount `default`, and the ConfigMap
/// `kube-root-ca.crt` with the authorities that sign the API server's certificate.
final class NamespaceContentController: Controller {
    let name = "namespace-content-controller"
    static let account = "default"
    static let authority = "kube-root-ca.crt"

    private let client: APIClient
    private let namespaces: Informer<Namespace>
    private let accounts: Informer<ServiceAccount>
    private let authorities: Informer<ConfigMap>
    private let rootAuthority: String?
    private let logger: Logger

    /// - Parameter rootAuthority: PEM; without it there are no ConfigMaps.
    init(_ context: ControllerContext, rootAuthority: String?) {
        client = context.client
        namespaces = context.informers.informer()
        accounts = context.informers.informer(named: Self.account)
        authorities = context.informers.informer(named: Self.authority)
        logger = context.logger
        self.rootAuthority = rootAuthority
    }

    func run() async throws {
        let queue = WorkQueue<String>()
        var scope = HandlerScope()
        scope.add(namespaces.addHandler { queue.add($0.key.name) })
        scope.add(accounts.addHandler { queue.add($0.key.namespace) })
        scope.add(authorities.addHandler { queue.add($0.key.namespace) })
        try await ControllerLoop(name: name, queue: queue, workers: 4, logger: logger) { [self] namespace in
            try await reconcile(namespace)
            return .settled
        }.run(after: [namespaces, accounts, authorities])
        _ = consume scope
    }

    func reconcile(_ namespace: String) async throws {
        guard let object = namespaces.store.get(namespace), object.metadata.deletionTimestamp == nil,
            object.status?.phase != "Terminating"
        else { return }
        do {
            if accounts.store.get(Self.account, namespace: namespace) == nil { try await createAccount(namespace) }
            if let rootAuthority { try await publish(rootAuthority, in: namespace) }
        } catch let status as Status where status.isAlreadyExists {
            // The watch brings it, and this look is repeated then.
        } catch let status as Status where status.isNotFound || status.isNamespaceTerminating {
            // The namespace goes.
        }
    }

    private func createAccount(_ namespace: String) async throws {
        let metadata = ObjectMeta(name: Self.account, namespace: namespace)
        accounts.absorb(try await client.create(ServiceAccount(metadata: metadata)))
    }

    private func publish(_ authority: String, in namespace: String) async throws {
        let data = ["ca.crt": authority]
        guard let present = authorities.store.get(Self.authority, namespace: namespace) else {
            let metadata = ObjectMeta(
                name: Self.authority, namespace: namespace,
                annotations: [
                    "kubernetes.io/description":
                        "The certificate authorities by which clients verify the API server. Kept as it is by \(name)."
                ])
            return authorities.absorb(try await client.create(ConfigMap(metadata: metadata, data: data)))
        }
        guard present.data != data || present.binaryData != nil else { return }
        var wanted = present
        (wanted.data, wanted.binaryData) = (data, nil)
        authorities.absorb(try await client.update(wanted))
    }
}
