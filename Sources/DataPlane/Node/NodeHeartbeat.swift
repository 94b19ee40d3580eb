import KubeClient
import KubeModel
import Logging

/// Renews the Lease by which this node says that it is alive (KEP-589): whoever does not see a renewal for long enough
/// takes it for lost.
actor NodeHeartbeat {
    static let namespace = "kube-node-lease"

    private static let unregisteredPause: Duration = .seconds(1)

    private let client: APIClient
    private let logger: Logger
    private let name: String
    private let clock: MonotonicClock
    /// What the Lease says of itself; renewed four times as often.
    private let seconds: Int
    private var isCreated = false

    init(
        client: APIClient, name: String, seconds: Int = 40, logger: Logger, clock: MonotonicClock = MonotonicClock()
    ) {
        self.client = client
        self.name = name
        self.seconds = seconds
        self.logger = logger
        self.clock = clock
    }

    /// Renews until cancelled.
    ///
    /// - Parameter uid: called before each renewal; gives the uid of the Node once it is registered by this data plane; nil while somebody else (a
    ///   kubelet) has it, whose Lease is not ours to renew.
    func run(owner uid: @Sendable () async -> String?) async throws {
        while true {
            var pause = Duration.seconds(seconds) / 4
            if let uid = await uid() {
                do {
                    try await renew(uid)
                } catch {
                    try Task.checkCancellation()
                    logger.debug("node \(name): the Lease was not renewed: \(error)")
                }
            } else {
                // The Node is about to be registered, and is alive from then on.
                pause = min(pause, Self.unregisteredPause)
            }
            try await clock.sleep(for: pause)
        }
    }

    private func renew(_ uid: String) async throws {
        if isCreated {
            let patch: JSONValue = [
                "spec": [
                    "renewTime": .string(WallClock.microTime.description), "holderIdentity": .string(name),
                    "leaseDurationSeconds": .integer(Int64(seconds)),
                ]
            ]
            do {
                _ = try await client.patch(Lease.self, name, namespace: Self.namespace, .merge(patch))
                return
            } catch let status as Status where status.isNotFound {
                isCreated = false
            }
        }
        do {
            _ = try await client.create(Self.lease(name: name, uid: uid, seconds: seconds, now: WallClock.microTime))
        } catch let status as Status where status.isAlreadyExists {
            isCreated = true
            try await renew(uid)
        }
        isCreated = true
    }

    /// The Lease as it is made first. It goes with its Node.
    static func lease(name: String, uid: String, seconds: Int, now: MicroTime) -> Lease {
        Lease(
            metadata: ObjectMeta(
                name: name, namespace: namespace, annotations: [NodeRegistration.annotation: "dataplane"],
                ownerReferences: [OwnerReference(apiVersion: "v1", kind: "Node", name: name, uid: uid)]),
            spec: LeaseSpec(holderIdentity: name, leaseDurationSeconds: seconds, renewTime: now))
    }
}
