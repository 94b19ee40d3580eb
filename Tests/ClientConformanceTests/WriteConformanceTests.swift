import KubeClient
import KubeModel
import Testing

@Suite("What is written is the same in memory and on the server")
struct WriteConformanceTests {
    @Test(arguments: Backend.allCases)
    func `a new object gets a uid, a time and a version, and is read as it was answered`(backend: Backend) async throws
    {
        try await backend.run { client in
            let created = try await client.create(map("a", ["k": "v"]))
            #expect(created.metadata.uid?.isEmpty == false)
            #expect(created.metadata.creationTimestamp != nil)
            #expect(Int64(created.metadata.resourceVersion ?? "") != nil)
            #expect(try await client.get(ConfigMap.self, "a", namespace: "shop") == created)
        }
    }

    @Test(arguments: Backend.allCases)
    func `a second object of the name is refused`(backend: Backend) async throws {
        try await backend.run { client in
            _ = try await client.create(map("a"))
            let refusal = await status { try await client.create(map("a")) }
            #expect(refusal?.code == 409)
            #expect(refusal?.reason == .alreadyExists)
            #expect(refusal?.message == "configmaps \"a\" already exists")
            #expect(refusal?.isConflict == false)
        }
    }

    @Test(arguments: Backend.allCases)
    func `what is not there is named`(backend: Backend) async throws {
        try await backend.run { client in
            for refusal in [
                await status { try await client.get(ConfigMap.self, "a", namespace: "shop") },
                await status { try await client.update(map("a")) },
                await status { try await client.patch(ConfigMap.self, "a", namespace: "shop", .merge([:])) },
                await status { try await client.delete(ConfigMap.definition, "a", namespace: "shop") },
            ] {
                #expect(refusal?.code == 404)
                #expect(refusal?.reason == .notFound)
                #expect(refusal?.message == "configmaps \"a\" not found")
            }
        }
    }

    @Test(arguments: Backend.allCases)
    func `names are made behind a prefix`(backend: Backend) async throws {
        try await backend.run { client in
            var names: Set<String> = []
            for _ in 0..<5 {
                let object = ConfigMap(metadata: ObjectMeta(generateName: "made-", namespace: "shop"))
                let created = try await client.create(object)
                let name = try #require(created.metadata.name)
                #expect(name.hasPrefix("made-") && name.count > 5)
                #expect(names.insert(name).inserted)
            }
        }
    }

    @Test(arguments: Backend.allCases)
    func `an update needs the version that it read, or none`(backend: Backend) async throws {
        try await backend.run { client in
            let first = try await client.create(map("a", ["k": "1"]))
            var second = first
            second.data = ["k": "2"]
            let written = try await client.update(second)
            #expect(written.metadata.resourceVersion != first.metadata.resourceVersion)
            #expect(written.metadata.uid == first.metadata.uid)
            let refusal = await status { try await client.update(second) }
            #expect(refusal?.isConflict == true)
            #expect(refusal?.code == 409)
            second.metadata.resourceVersion = nil
            second.data = ["k": "3"]
            #expect(try await client.update(second).data == ["k": "3"])
        }
    }

    @Test(arguments: Backend.allCases)
    func `an update that changes nothing leaves the version`(backend: Backend) async throws {
        try await backend.run { client in
            let created = try await client.create(map("a", ["k": "1"]))
            #expect(try await client.update(created).metadata.resourceVersion == created.metadata.resourceVersion)
            let patched = try await client.patch(
                ConfigMap.self, "a", namespace: "shop", .merge(["data": ["k": "1"]]))
            #expect(patched.metadata.resourceVersion == created.metadata.resourceVersion)
        }
    }

    @Test(arguments: Backend.allCases)
    func `a merge patch sets, removes and keeps`(backend: Backend) async throws {
        try await backend.run { client in
            _ = try await client.create(map("a", ["keep": "1", "drop": "2", "set": "3"], labels: ["l": "1"]))
            let patched = try await client.patch(
                ConfigMap.self, "a", namespace: "shop", .merge(["data": ["drop": .null, "set": "4"]]))
            #expect(patched.data == ["keep": "1", "set": "4"])
            #expect(patched.metadata.labels == ["l": "1"])
            let refusal = await status {
                try await client.patch(
                    ConfigMap.self, "a", namespace: "shop",
                    .merge(["metadata": ["resourceVersion": "1"], "data": ["set": "5"]]))
            }
            #expect(refusal?.isConflict == true)
        }
    }

    @Test(arguments: Backend.allCases)
    func `status and spec are written apart, and the generation counts the spec`(backend: Backend) async throws {
        try await backend.run { client in
            var ingress = Ingress(
                metadata: ObjectMeta(name: "a", namespace: "shop"),
                spec: IngressSpec(
                    defaultBackend: IngressBackend(
                        service: IngressServiceBackend(name: "web", port: ServiceBackendPort(number: 80)))))
            ingress = try await client.create(ingress)
            #expect(ingress.metadata.generation == 1)
            let told: JSONValue = ["status": ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]]
            var written = try await client.patch(
                Ingress.self, "a", namespace: "shop", .merge(told), subresource: "status")
            #expect(written.status?.loadBalancer?.ingress?.first?.ip == "192.0.2.1")
            #expect(written.metadata.generation == 1)
            // The main resource does not write the status.
            written = try await client.patch(
                Ingress.self, "a", namespace: "shop", .merge(["status": ["loadBalancer": .null]]))
            #expect(written.status?.loadBalancer?.ingress?.first?.ip == "192.0.2.1")
            written.spec?.defaultBackend?.service?.name = "other"
            written = try await client.update(written)
            #expect(written.metadata.generation == 2)
            #expect(written.status?.loadBalancer?.ingress?.first?.ip == "192.0.2.1")
            // And the status does not write the spec.
            written.spec?.defaultBackend?.service?.name = "third"
            #expect(try await client.updateStatus(written).spec?.defaultBackend?.service?.name == "other")
        }
    }

    @Test(arguments: Backend.allCases)
    func `a deletion may insist on a uid and a version`(backend: Backend) async throws {
        try await backend.run { client in
            let created = try await client.create(map("a"))
            for options in [DeleteOptions(uid: "another"), DeleteOptions(resourceVersion: "1")] {
                let refusal = await status {
                    try await client.delete(ConfigMap.definition, "a", namespace: "shop", options: options)
                }
                #expect(refusal?.isConflict == true)
            }
            try await client.delete(
                ConfigMap.self, "a", namespace: "shop",
                options: DeleteOptions(uid: created.metadata.uid, resourceVersion: created.metadata.resourceVersion))
            #expect(await status { try await client.get(ConfigMap.self, "a", namespace: "shop") }?.isNotFound == true)
        }
    }

    @Test(arguments: Backend.allCases)
    func `a deletion is answered by a Status when the object is gone, and by the object while it is held`(
        backend: Backend
    ) async throws {
        try await backend.run { client in
            let created = try await client.create(map("a"))
            let answer = try await client.delete(ConfigMap.definition, "a", namespace: "shop")
            #expect(answer["kind"] == "Status")
            #expect(answer["status"] == "Success")
            #expect(answer["details"]["name"] == "a")
            #expect(answer["details"]["kind"] == "configmaps")
            #expect(answer["details"]["uid"]?.string == created.metadata.uid)
            var held = map("b")
            held.metadata.finalizers = ["example.com/hold"]
            _ = try await client.create(held)
            #expect(try await client.delete(ConfigMap.definition, "b", namespace: "shop")["kind"] == "ConfigMap")
        }
    }

    @Test(arguments: Backend.allCases)
    func `a finalizer holds what is deleted until it is taken away`(backend: Backend) async throws {
        try await backend.run { client in
            var object = map("a")
            object.metadata.finalizers = ["example.com/hold"]
            _ = try await client.create(object)
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            let held = try await client.get(ConfigMap.self, "a", namespace: "shop")
            #expect(held.metadata.deletionTimestamp != nil)
            // A second deletion changes nothing.
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            #expect(
                try await client.get(ConfigMap.self, "a", namespace: "shop").metadata.resourceVersion
                    == held.metadata.resourceVersion)
            _ = try await client.patch(
                ConfigMap.self, "a", namespace: "shop", .merge(["metadata": ["finalizers": .null]]))
            #expect(await status { try await client.get(ConfigMap.self, "a", namespace: "shop") }?.isNotFound == true)
        }
    }

    @Test(arguments: Backend.allCases)
    func `propagation is left to the garbage collector by finalizers`(backend: Backend) async throws {
        try await backend.run { client in
            for (policy, finalizer) in [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")] {
                let name = policy.lowercased()
                _ = try await client.create(map(name))
                try await client.delete(
                    ConfigMap.self, name, namespace: "shop",
                    options: DeleteOptions(propagationPolicy: policy))
                let held = try await client.get(ConfigMap.self, name, namespace: "shop")
                #expect(held.metadata.finalizers == [finalizer])
                #expect(held.metadata.deletionTimestamp != nil)
            }
        }
    }
}
