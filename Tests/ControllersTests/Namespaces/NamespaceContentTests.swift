import KubeClient
import KubeModel
import Logging
import Testing

@testable import Controllers

@Suite("Every namespace has what Kubernetes promises")
struct NamespaceContentTests {
    private let api = InMemoryAPI([
        Namespace.definition, ServiceAccount.definition, ConfigMap.definition, Event.definition,
    ])
    private var client: APIClient { APIClient(transport: api) }

    private func running(_ authority: String?, _ body: () async throws -> Void) async throws {
        let set = ControllerSet(
            [.namespaceContent], client: client,
            configuration: ControllerConfiguration(
                leaderElection: LeaderElectionConfiguration(isEnabled: false), rootAuthority: authority),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await set.run() }
        defer { task.cancel() }
        try await set.waitForSync()
        try await body()
    }

    private func account(_ namespace: String) async throws -> ServiceAccount? {
        try await client.list(ServiceAccount.self, namespace: namespace).items.first { $0.metadata.name == "default" }
    }

    private func authority(_ namespace: String) async throws -> String? {
        try await client.list(ConfigMap.self, namespace: namespace).items.first {
            $0.metadata.name == "kube-root-ca.crt"
        }?.data?["ca.crt"]
    }

    @Test func `namespaces old and new get the account and the authorities, and get them back`() async throws {
        _ = try await client.create(Namespace(metadata: ObjectMeta(name: "old")))
        try await running("PEM") {
            _ = try await client.create(Namespace(metadata: ObjectMeta(name: "new")))
            for namespace in ["old", "new"] {
                try await eventually { try await account(namespace) != nil }
                try await eventually { try await authority(namespace) == "PEM" }
            }
            try await client.delete(ServiceAccount.self, "default", namespace: "new")
            try await client.delete(ConfigMap.self, "kube-root-ca.crt", namespace: "new")
            try await eventually { try await account("new") != nil }
            try await eventually { try await authority("new") == "PEM" }
            _ = try await client.patch(
                ConfigMap.self, "kube-root-ca.crt", namespace: "new", .merge(["data": ["ca.crt": "forged", "x": "y"]]))
            try await eventually { try await authority("new") == "PEM" }
        }
    }

    @Test func `what others add to the account stays, and other ConfigMaps are not looked at`() async throws {
        _ = try await client.create(Namespace(metadata: ObjectMeta(name: "shop")))
        try await running("PEM") {
            try await eventually { try await account("shop") != nil }
            _ = try await client.patch(
                ServiceAccount.self, "default", namespace: "shop",
                .merge(["imagePullSecrets": [["name": "registry"]]]))
            _ = try await client.create(
                ConfigMap(metadata: ObjectMeta(name: "mine", namespace: "shop"), data: ["a": "b"]))
            try await client.delete(ConfigMap.self, "kube-root-ca.crt", namespace: "shop")
            try await eventually { try await authority("shop") == "PEM" }
            #expect(try await account("shop")?.imagePullSecrets?.map(\.name) == ["registry"])
            #expect(try await client.get(ConfigMap.self, "mine", namespace: "shop").data == ["a": "b"])
        }
        #expect(api.requests.contains { $0.contains("configmaps") && $0.contains("fieldSelector=metadata.name") })
    }

    @Test func `a namespace that goes is left alone, and without authorities there is only the account`() async throws {
        _ = try await client.create(
            Namespace(
                metadata: ObjectMeta(name: "going", finalizers: ["example.com/hold"])))
        try await client.delete(Namespace.self, "going")
        _ = try await client.create(Namespace(metadata: ObjectMeta(name: "shop")))
        try await running(nil) {
            try await eventually { try await account("shop") != nil }
            #expect(try await account("going") == nil)
            #expect(try await authority("shop") == nil)
        }
    }
}
