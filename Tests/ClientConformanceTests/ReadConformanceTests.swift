import KubeClient
import KubeModel
import Logging
import Testing

@Suite("What is read is the same in memory and on the server")
struct ReadConformanceTests {
    @Test(arguments: Backend.allCases)
    func `lists select by labels, fields and namespace`(backend: Backend) async throws {
        try await backend.run { client in
            _ = try await client.create(Namespace(metadata: ObjectMeta(name: "other")))
            _ = try await client.create(map("a", labels: ["app": "x", "tier": "1"]))
            _ = try await client.create(map("b", labels: ["app": "y"]))
            var elsewhere = map("a", labels: ["app": "x"])
            elsewhere.metadata.namespace = "other"
            _ = try await client.create(elsewhere)
            func names(_ options: ListOptions, namespace: String? = "shop") async throws -> [String] {
                try await client.list(ConfigMap.self, namespace: namespace, options: options).items.map {
                    "\($0.metadata.namespace ?? "")/\($0.metadata.name ?? "")"
                }.filter { !$0.hasPrefix("kube-") && !$0.hasPrefix("default/") }
            }
            #expect(try await names(ListOptions()) == ["shop/a", "shop/b"])
            #expect(try await names(ListOptions(labelSelector: "app in (x,z),tier")) == ["shop/a"])
            #expect(try await names(ListOptions(labelSelector: "app!=x")) == ["shop/b"])
            #expect(try await names(ListOptions(fieldSelector: "metadata.name=a")) == ["shop/a"])
            #expect(try await names(ListOptions(fieldSelector: "metadata.name!=a")) == ["shop/b"])
            #expect(
                try await names(ListOptions(fieldSelector: "metadata.name=a"), namespace: nil) == ["other/a", "shop/a"])
            let refusal = await status {
                try await client.list(ConfigMap.definition, options: ListOptions(labelSelector: "a in"))
            }
            #expect(refusal?.code == 400)
        }
    }

    @Test(arguments: Backend.allCases)
    func `lists come in pages that together are the whole`(backend: Backend) async throws {
        try await backend.run { client in
            for name in ["a", "b", "c", "d", "e"] { _ = try await client.create(map(name)) }
            var options = ListOptions(limit: 2)
            var pages: [[String]] = []
            repeat {
                let page = try await client.list(ConfigMap.self, namespace: "shop", options: options)
                pages.append(page.items.compactMap(\.metadata.name))
                options.continueToken = page.continueToken
            } while options.continueToken != nil && pages.count < 9
            #expect(pages == [["a", "b"], ["c", "d"], ["e"]])
        }
    }

    /// `+a`, `~a=value`, `-a` for the events of a watch, until there are so many.
    private func collect(_ client: APIClient, _ count: Int, _ options: ListOptions) async throws -> [String] {
        var seen: [String] = []
        for try await event in try await client.watch(ConfigMap.self, namespace: "shop", options: options) {
            switch event {
            case .added(let object): seen.append("+\(object.metadata.name ?? "")")
            case .modified(let object): seen.append("~\(object.metadata.name ?? "")=\(object.data?["k"] ?? "")")
            case .deleted(let object): seen.append("-\(object.metadata.name ?? "")=\(object.data?["k"] ?? "")")
            case .bookmark, .undecodable: break
            }
            if seen.count == count { break }
        }
        return seen
    }

    @Test(arguments: Backend.allCases)
    func `a watch goes on from a list, in order`(backend: Backend) async throws {
        try await backend.run { client in
            _ = try await client.create(map("before", ["k": "0"]))
            let version = try await client.list(ConfigMap.self, namespace: "shop").resourceVersion
            _ = try await client.create(map("a", ["k": "1"]))
            _ = try await client.patch(ConfigMap.self, "a", namespace: "shop", .merge(["data": ["k": "2"]]))
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            let seen = try await collect(client, 3, ListOptions(resourceVersion: version, timeoutSeconds: 30))
            #expect(seen == ["+a", "~a=2", "-a=2"])
        }
    }

    @Test(arguments: Backend.allCases)
    func `a watch without a version begins with what there is`(backend: Backend) async throws {
        try await backend.run { client in
            _ = try await client.create(map("a"))
            _ = try await client.create(map("b"))
            for version in [nil, "0"] {
                let seen = try await collect(client, 2, ListOptions(resourceVersion: version, timeoutSeconds: 30))
                #expect(seen.sorted() == ["+a", "+b"])
            }
        }
    }

    @Test(arguments: Backend.allCases)
    func `a watch by labels sees objects come into its view and leave it`(backend: Backend) async throws {
        try await backend.run { client in
            let version = try await client.list(ConfigMap.self, namespace: "shop").resourceVersion
            _ = try await client.create(map("a", ["k": "1"]))
            func label(_ value: JSONValue, _ data: String) async throws {
                _ = try await client.patch(
                    ConfigMap.self, "a", namespace: "shop",
                    .merge(["metadata": ["labels": ["app": value]], "data": ["k": .string(data)]]))
            }
            try await label("x", "2")
            try await label("x", "3")
            try await label("y", "4")
            _ = try await client.create(map("b", labels: ["app": "x"]))
            let seen = try await collect(
                client, 4, ListOptions(labelSelector: "app=x", resourceVersion: version, timeoutSeconds: 30))
            #expect(Array(seen.prefix(2)) == ["+a", "~a=3"])
            #expect(seen[2].hasPrefix("-a"))
            #expect(seen[3] == "+b")
        }
    }

    @Test(arguments: Backend.allCases)
    func `an informer mirrors either of them`(backend: Backend) async throws {
        try await backend.run { client in
            _ = try await client.create(map("a"))
            let informer = Informer<ConfigMap>(
                client: client, namespace: "shop", logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let task = Task { try await informer.run() }
            defer { task.cancel() }
            try await informer.waitForSync()
            #expect(informer.store.keys.map(\.name) == ["a"])
            _ = try await client.create(map("b"))
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            let deadline = ContinuousClock.now + .seconds(30)
            while informer.store.keys.map(\.name) != ["b"], ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(informer.store.keys.map(\.name) == ["b"])
        }
    }
}
