import KubeClient
import KubeModel
import Logging
import Synchronization

/// Follows the Secrets that routes name beside their certificates, each alone and only while one names it: a node may read no
/// others.
actor NamedSecretWatch {
    /// Of these types alone, so that the token of a service account is never one.
    private static let types = ["Opaque", "kubernetes.io/tls"]

    private let client: APIClient
    private let logger: Logger
    private let state: TrafficState
    private var watches: [NamespacedName: Task<Void, Never>] = [:]

    /// `state` is told of each Secret when it was looked for, and of each change.
    init(client: APIClient, state: TrafficState, logger: Logger) {
        self.client = client
        self.logger = logger
        self.state = state
    }

    /// Exactly these are followed from now on.
    ///
    /// - Parameter patience: how long those that are new are waited for, so that their routes need not be closed for the time that
    ///   a look takes.
    func follow(_ wanted: Set<NamespacedName>, patience: Duration) async {
        for (key, task) in watches where !wanted.contains(key) {
            task.cancel()
            watches[key] = nil
            state.forgetNamed(key)
        }
        let new = wanted.filter { watches[$0] == nil }
        for key in new { watches[key] = watch(key) }
        let deadline = ContinuousClock.now + patience
        while !new.allSatisfy({ state.knowsNamed($0) }), ContinuousClock.now < deadline {
            // Being cancelled means to wait no longer.
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return }
        }
    }

    func stop() {
        for task in watches.values { task.cancel() }
        watches = [:]
    }

    private func watch(_ key: NamespacedName) -> Task<Void, Never> {
        Task { [client, logger, state] in
            let informers = Self.types.map { type in
                Informer<KeptNamedSecret>(
                    client: client, namespace: key.namespace, fieldSelector: "type=\(type),metadata.name=\(key.name)",
                    logger: logger)
            }
            // A Secret has one type; one that is made anew with the other may be in both for a moment.
            let look: @Sendable () -> Void = {
                guard informers.allSatisfy(\.hasSynced), !Task.isCancelled else { return }
                state.setNamed(key, informers.lazy.compactMap { $0.store[key] }.first?.content)
            }
            for informer in informers { informer.addHandler { _ in look() } }
            await withTaskGroup(of: Void.self) { group in
                for informer in informers {
                    group.addTask {
                        do {
                            try await informer.run()
                        } catch {
                            // Ends by cancellation alone: the informer tries again by itself.
                            logger.debug("Secret \(key): \(error)")
                        }
                    }
                }
                group.addTask {
                    for informer in informers { guard (try? await informer.waitForSync()) != nil else { return } }
                    look()
                }
                await group.waitForAll()
            }
        }
    }
}
