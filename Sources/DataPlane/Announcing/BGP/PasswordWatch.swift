internal import KubeClient
internal import KubeModel
internal import Logging

/// Follows the Secrets that BGPPeers name, each alone: a node may read no others.
actor PasswordWatch {
    private let client: APIClient
    private let logger: Logger
    private let report: @Sendable (NamespacedName, BGPPassword) -> Void
    private var watches: [NamespacedName: Task<Void, Never>] = [:]

    /// `report` is told of each Secret when it was looked for, and of each change.
    init(
        client: APIClient, logger: Logger, report: @escaping @Sendable (NamespacedName, BGPPassword) -> Void
    ) {
        self.client = client
        self.logger = logger
        self.report = report
    }

    /// Exactly these are followed from now on.
    func follow(_ wanted: Set<NamespacedName>) {
        for (key, task) in watches where !wanted.contains(key) {
            task.cancel()
            watches[key] = nil
        }
        for key in wanted where watches[key] == nil {
            watches[key] = Task { [client, logger, report] in
                let informer = Informer<KeptPassword>(
                    client: client, namespace: key.namespace,
                    fieldSelector: "type=\(KeptPassword.type),metadata.name=\(key.name)", logger: logger)
                informer.addHandler { change in
                    if case .deleted = change { return report(key, .missing) }
                    report(key, change.object.password.map(BGPPassword.bytes) ?? .missing)
                }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            try await informer.run()
                        } catch {
                            // Ends by cancellation alone: the informer tries again by itself.
                            logger.debug("Secret \(key): \(error)")
                        }
                    }
                    group.addTask {
                        guard (try? await informer.waitForSync()) != nil, informer.store[key] == nil else { return }
                        report(key, .missing)
                    }
                    await group.waitForAll()
                }
            }
        }
    }

    func stop() { follow([]) }
}
