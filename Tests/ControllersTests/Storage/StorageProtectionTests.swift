import KubeClient
import KubeModel
import Logging
import Testing

@testable import Controllers

@Suite("Storage goes when nobody uses it") struct StorageProtectionTests {
    private let api = InMemoryAPI([
        PersistentVolumeClaim.definition, PersistentVolume.definition, Pod.definition, Event.definition,
    ])
    private var client: APIClient { APIClient(transport: api) }

    private func running(_ body: () async throws -> Void) async throws {
        let set = ControllerSet(
            [.storageProtection], client: client,
            configuration: ControllerConfiguration(leaderElection: LeaderElectionConfiguration(isEnabled: false)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await set.run() }
        defer { task.cancel() }
        try await set.waitForSync()
        try await body()
    }

    private func claims() async throws -> [PersistentVolumeClaim] {
        try await client.list(PersistentVolumeClaim.self, namespace: "shop").items
    }

    private func claim(_ name: String) -> PersistentVolumeClaim {
        PersistentVolumeClaim(
            metadata: ObjectMeta(name: name, namespace: "shop", finalizers: [StorageFinalizers.claim]))
    }

    @Test func `a claim that a Pod uses waits for the Pod, another goes at once`() async throws {
        for name in ["used", "free"] { _ = try await client.create(claim(name)) }
        _ = try await client.create(
            Pod.definition,
            [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "namespace": "shop"],
                "spec": [
                    "nodeName": "one", "volumes": [["name": "v", "persistentVolumeClaim": ["claimName": "used"]]],
                ],
            ], namespace: "shop")
        try await running {
            for name in ["used", "free"] {
                try await client.delete(PersistentVolumeClaim.self, name, namespace: "shop")
            }
            try await eventually { try await claims().map(\.metadata.name) == ["used"] }
            #expect(try await claims().first?.metadata.deletionTimestamp != nil)
            try await client.delete(Pod.self, "web", namespace: "shop")
            try await eventually { try await claims().isEmpty }
        }
    }

    @Test func `other finalizers stay, and one that is missing is set`() async throws {
        var held = claim("held")
        held.metadata.finalizers = ["example.com/mine", StorageFinalizers.claim]
        _ = try await client.create(held)
        var bare = claim("bare")
        bare.metadata.finalizers = nil
        _ = try await client.create(bare)
        try await running {
            try await eventually {
                try await claims().first { $0.metadata.name == "bare" }?.metadata.finalizers == [
                    StorageFinalizers.claim
                ]
            }
            try await client.delete(PersistentVolumeClaim.self, "held", namespace: "shop")
            try await eventually {
                try await claims().first { $0.metadata.name == "held" }?.metadata.finalizers == ["example.com/mine"]
            }
        }
    }

    @Test func `a volume that is bound waits for its claim`() async throws {
        for (name, phase) in [("bound", "Bound"), ("free", "Available")] {
            _ = try await client.create(
                PersistentVolume(
                    metadata: ObjectMeta(name: name, finalizers: [StorageFinalizers.volume]),
                    status: PersistentVolumeStatus(phase: phase)))
        }
        try await running {
            for name in ["bound", "free"] { try await client.delete(PersistentVolume.self, name) }
            try await eventually {
                try await client.list(PersistentVolume.self).items.map(\.metadata.name) == ["bound"]
            }
            _ = try await client.patch(
                PersistentVolume.self, "bound", .merge(["status": ["phase": "Released"]]), subresource: "status")
            try await eventually { try await client.list(PersistentVolume.self).items.isEmpty }
        }
    }
}
