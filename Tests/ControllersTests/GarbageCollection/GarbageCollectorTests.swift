import KubeClient
import KubeModel
import Logging
import Testing

@testable import Controllers

/// The garbage collector against an API server in memory.
@Suite("What outlived its owners is collected") struct GarbageCollectorTests {
    private static let widgets = ResourceDefinition(
        group: "example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true)
    private static let definitions = ResourceDefinition(
        group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions", namespaced: false)

    private let api = InMemoryAPI([
        ConfigMap.definition, Secret.definition, Node.definition, Event.definition, Lease.definition,
        Self.definitions,
    ])
    private var client: APIClient { APIClient(transport: api) }

    private func running(_ body: () async throws -> Void) async throws {
        let set = ControllerSet(
            [.garbageCollector], client: client,
            configuration: ControllerConfiguration(leaderElection: LeaderElectionConfiguration(isEnabled: false)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await set.run() }
        defer { task.cancel() }
        do {
            try await body()
            task.cancel()
            _ = await task.result
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
    }

    @discardableResult
    private func create(
        _ name: String, namespace: String = "shop", ownedBy owners: [OwnerReference] = [], finalizers: [String] = []
    ) async throws -> OwnerReference {
        let object = try await client.create(
            ConfigMap(
                metadata: ObjectMeta(
                    name: name, namespace: namespace, ownerReferences: owners.isEmpty ? nil : owners,
                    finalizers: finalizers.isEmpty ? nil : finalizers)))
        return OwnerReference(apiVersion: "v1", kind: "ConfigMap", name: name, uid: object.metadata.uid ?? "")
    }

    private func names() async throws -> [String] {
        try await client.list(ConfigMap.self).items.compactMap(\.metadata.name).sorted()
    }

    private func owners(of name: String) async throws -> [String] {
        try await client.get(ConfigMap.self, name, namespace: "shop").metadata.ownerReferences?.map(\.name) ?? []
    }

    private func delete(_ name: String, _ policy: String? = nil) async throws {
        try await client.delete(
            ConfigMap.self, name, namespace: "shop", options: DeleteOptions(propagationPolicy: policy))
    }

    /// Lets everything that was seen be worked through: an object that came later is collected.
    private func settle(_ name: String) async throws {
        try await create(name, ownedBy: [missing("nowhere")])
        try await eventually { try await !names().contains(name) }
    }

    private func missing(_ name: String) -> OwnerReference {
        OwnerReference(apiVersion: "v1", kind: "ConfigMap", name: name, uid: "uid-of-\(name)")
    }

    private func blocking(_ owner: OwnerReference) -> OwnerReference {
        var owner = owner
        owner.blockOwnerDeletion = true
        return owner
    }

    @Test func `a chain goes with its owner`() async throws {
        try await running {
            let a = try await create("a")
            let b = try await create("b", ownedBy: [a])
            try await create("c", ownedBy: [b])
            try await create("free")
            try await delete("a")
            try await eventually { try await names() == ["free"] }
        }
    }

    @Test func `what happened before the start is caught up with`() async throws {
        let a = try await create("a")
        let b = try await create("b", ownedBy: [a])
        try await create("c", ownedBy: [b, missing("x")])
        let f = try await create("f")
        try await create("g", ownedBy: [blocking(f)])
        let o = try await create("o")
        try await create("p", ownedBy: [o])
        try await delete("a")
        try await delete("f", "Foreground")
        try await delete("o", "Orphan")
        try await running { try await eventually { try await names() == ["p"] } }
        #expect(try await owners(of: "p") == [])
    }

    @Test func `another living owner keeps the object`() async throws {
        try await running {
            let (a, z) = (try await create("a"), try await create("z"))
            try await create("b", ownedBy: [a, missing("older"), z])
            try await eventually { try await owners(of: "b") == ["a", "z"] }
            try await delete("a")
            try await eventually { try await owners(of: "b") == ["z"] }
            try await delete("z")
            try await eventually { try await names().isEmpty }
        }
    }

    @Test func `foreground deletion waits for what blocks`() async throws {
        try await running {
            let a = try await create("a")
            let b = try await create("b", ownedBy: [blocking(a)])
            try await create("c", ownedBy: [blocking(b)], finalizers: ["x/y"])
            try await create("idle", ownedBy: [a], finalizers: ["x/y"])
            try await settle("settled")
            try await delete("a", "Foreground")
            // b is deleted in the foreground too, and waits for c, which somebody else holds.
            try await eventually {
                let b = try await client.get(ConfigMap.self, "b", namespace: "shop")
                let c = try await client.get(ConfigMap.self, "c", namespace: "shop")
                return b.metadata.finalizers == ["foregroundDeletion"] && c.metadata.deletionTimestamp != nil
            }
            #expect(try await names() == ["a", "b", "c", "idle"])
            _ = try await client.patch(
                ConfigMap.self, "c", namespace: "shop", .merge(["metadata": ["finalizers": .null]]))
            // Not for idle, which does not block.
            try await eventually { try await names() == ["idle"] }
            let idle = try await client.get(ConfigMap.self, "idle", namespace: "shop")
            #expect(idle.metadata.deletionTimestamp != nil)
        }
    }

    @Test func `orphans lose their reference before their owner goes`() async throws {
        try await running {
            let (a, z) = (try await create("a"), try await create("z"))
            for index in 0..<40 { try await create("b\(index)", ownedBy: [blocking(a)]) }
            try await create("both", ownedBy: [a, z])
            try await settle("settled")
            try await delete("a", "Orphan")
            try await eventually { try await !names().contains("a") }
            #expect(try await names().count == 42)
            #expect(try await owners(of: "b7") == [])
            #expect(try await owners(of: "both") == ["z"])
        }
    }

    @Test(arguments: [nil, "Background", "Foreground"])
    func `circles go as a whole`(policy: String?) async throws {
        try await running {
            let a = try await create("a")
            let b = try await create("b", ownedBy: [blocking(a)])
            let c = try await create("c", ownedBy: [blocking(b)])
            _ = try await client.patch(
                ConfigMap.self, "a", namespace: "shop",
                .merge(["metadata": ["ownerReferences": [blocking(c).json]]]))
            try await settle("settled")
            #expect(try await names() == ["a", "b", "c"])
            try await delete("a", policy)
            try await eventually { try await names().isEmpty }
        }
    }

    @Test func `owners that never were are verified and ones that came back are others`() async throws {
        try await running {
            let a = try await create("a")
            var older = a
            older.uid = "older"
            try await create("b", ownedBy: [older])
            try await create("c", ownedBy: [missing("nobody")])
            try await create("d", ownedBy: [a])
            try await eventually { try await names() == ["a", "d"] }
            #expect(api.requests.contains("GET /api/v1/namespaces/shop/configmaps/a"))
        }
    }

    @Test func `owners of unknown kinds are waited for`() async throws {
        let widget = OwnerReference(apiVersion: "example.com/v1", kind: "Widget", name: "w", uid: "gone")
        try await running {
            try await create("b", ownedBy: [widget])
            try await settle("settled")
            #expect(try await names() == ["b"])
            api.serve(Self.widgets)
            // Seen as soon as a definition changes, not only with the next reading of discovery.
            _ = try await client.create(
                Self.definitions, ["metadata": ["name": "widgets.example.com"]], namespace: nil)
            try await eventually { try await names().isEmpty }
        }
    }

    @Test func `objects of new kinds own and are owned`() async throws {
        try await running {
            try await settle("settled")
            api.serve(Self.widgets)
            _ = try await client.create(Self.definitions, ["metadata": ["name": "widgets.example.com"]])
            let widget = try await client.create(Self.widgets, ["metadata": ["name": "w"]], namespace: "shop")
            let owner = OwnerReference(
                apiVersion: "example.com/v1", kind: "Widget", name: "w", uid: widget["metadata"]["uid"]?.string ?? "")
            let map = try await create("m", ownedBy: [owner])
            let inner: JSONValue = ["metadata": ["name": "inner", "ownerReferences": [map.json]]]
            _ = try await client.create(Self.widgets, inner, namespace: "shop")
            try await eventually { api.openWatches == 5 }
            try await client.delete(Self.widgets, "w", namespace: "shop")
            try await eventually { try await names().isEmpty }
            try await eventually {
                try await client.list(Self.widgets)["items"]?.array?.isEmpty == true
            }
        }
    }

    @Test func `a kind that goes away takes nothing with it`() async throws {
        api.serve(Self.widgets)
        try await running {
            let widget = try await client.create(Self.widgets, ["metadata": ["name": "w"]], namespace: "shop")
            try await create(
                "m",
                ownedBy: [
                    OwnerReference(
                        apiVersion: "example.com/v1", kind: "Widget", name: "w",
                        uid: widget["metadata"]["uid"]?.string ?? "")
                ])
            try await settle("settled")
            api.stopServing(Self.widgets)
            _ = try await client.create(Self.definitions, ["metadata": ["name": "widgets.example.com"]])
            // Leases, Nodes, Secrets, ConfigMaps and definitions.
            try await eventually { api.openWatches == 5 }
            try await settle("later")
            #expect(try await names() == ["m"])
        }
    }

    @Test func `owners in other namespaces do not count and are reported`() async throws {
        try await running {
            let a = try await create("a", namespace: "other")
            try await create("b", ownedBy: [a])
            try await eventually { try await names() == ["a"] }
            try await eventually {
                try await client.list(Event.self).items.contains {
                    $0.reason == "OwnerRefInvalidNamespace" && $0.involvedObject.name == "b"
                }
            }
        }
    }

    @Test func `namespaced owners of cluster scoped objects are ignored`() async throws {
        try await running {
            _ = try await client.create(
                Node(metadata: ObjectMeta(name: "n", ownerReferences: [missing("nobody")])))
            try await settle("settled")
            #expect(try await client.list(Node.self).items.count == 1)
        }
    }

    @Test(arguments: ["DELETE", "PATCH"])
    func `lost races are decided anew`(method: String) async throws {
        try await running {
            let (a, z) = (try await create("a"), try await create("z"))
            try await create("b", ownedBy: method == "DELETE" ? [a] : [a, z])
            try await settle("settled")
            api.failNext(
                method, with: Status.conflict(ConfigMap.definition.groupResource, "b", Status.modifiedMessage))
            // Another way to make the owner disappear than the verb that is to fail.
            if method == "DELETE" {
                try await create("c", ownedBy: [missing("nobody")])
                try await eventually { try await names() == ["a", "b", "z"] }
            } else {
                try await delete("a")
                try await eventually { try await owners(of: "b") == ["z"] }
            }
        }
    }

    @Test func `an owner that was seen going is not asked for`() async throws {
        try await running {
            let a = try await create("a")
            try await create("b", ownedBy: [a])
            try await settle("settled")
            api.forgetRequests()
            try await delete("a")
            try await eventually { try await names().isEmpty }
            // Nothing is asked about an owner whose deletion was seen: one request for each object. Watches begin when they do.
            #expect(
                api.requests.filter { !$0.hasPrefix("GET /api/v1/configmaps") && !$0.contains("watch=true") } == [
                    "DELETE /api/v1/namespaces/shop/configmaps/a", "DELETE /api/v1/namespaces/shop/configmaps/b",
                ])
        }
    }
}
