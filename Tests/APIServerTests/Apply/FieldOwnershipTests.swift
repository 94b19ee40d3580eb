import KubeModel
import Testing

@testable import APIServer

/// `metadata.managedFields` of everything that is written other than by an apply.
@Suite("Who owns which field") struct FieldOwnershipTests {
    private static let merge = "application/merge-patch+json"

    /// `{"manager operation subresource": FieldsV1}`
    static func owners(_ object: JSONValue) -> [String: String] {
        var owners: [String: String] = [:]
        for entry in object["metadata"]["managedFields"].array ?? [] {
            let words = ["manager", "operation", "subresource"].compactMap { entry[$0].string }
            owners[words.joined(separator: " ")] = entry["fieldsV1"]?.description ?? ""
        }
        return owners
    }

    @Test func `the creator of a Service owns what it sets and what defaults fill in`() async throws {
        let server = try await TestServer()
        var service = Samples.service("a")
        service["metadata"]["labels"] = ["x": "1"]
        let created = await server.send(
            "POST", "\(Samples.services)?fieldManager=me", service, userAgent: "kubectl/v1.32.4")
        try #require(created.status == 201)
        #expect(
            Self.owners(created.json) == [
                "me Update":
                    #"{"f:metadata":{"f:labels":{".":{},"f:x":{}}},"f:spec":{"f:internalTrafficPolicy":{},"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{},"f:targetPort":{}}},"f:selector":{},"f:sessionAffinity":{},"f:type":{}}}"#
            ])
        let entry = created.json["metadata"]["managedFields"][0]
        #expect(entry["apiVersion"] == "v1")
        #expect(entry["fieldsType"] == "FieldsV1")
        #expect(entry["time"] == created.json["metadata"]["creationTimestamp"])
        #expect(await server.send("GET", "\(Samples.services)/a").json == created.json)
    }

    @Test(arguments: [("kubectl/v1.32.4 (linux/amd64)", "kubectl"), ("curl/8.5.0", "curl"), (nil, "unknown")])
    func `a manager that is not named is known by its User-Agent`(agent: String?, name: String) async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.configMaps, Samples.configMap("a"), userAgent: agent)
        #expect(Self.owners(created.json) == ["\(name) Update": #"{"f:data":{".":{},"f:k":{}}}"#])
    }

    @Test func `fields change hands with updates and patches of every kind`() async throws {
        let server = try await TestServer()
        let path = "\(Samples.configMaps)/a"
        let created = await server.send(
            "POST", "\(Samples.configMaps)?fieldManager=one", Samples.configMap("a", ["k": "v", "l": "w"]))
        var changed = created.json
        changed["data"]["k"] = "2"
        let updated = await server.send("PUT", "\(path)?fieldManager=two", changed)
        #expect(
            Self.owners(updated.json) == [
                "one Update": #"{"f:data":{".":{},"f:l":{}}}"#, "two Update": #"{"f:data":{"f:k":{}}}"#,
            ])
        let merged = await server.send(
            "PATCH", "\(path)?fieldManager=three", ["data": ["l": .null, "m": "x"]],
            contentType: Self.merge)
        #expect(
            Self.owners(merged.json) == [
                "one Update": #"{"f:data":{}}"#, "two Update": #"{"f:data":{"f:k":{}}}"#,
                "three Update": #"{"f:data":{"f:m":{}}}"#,
            ])
        let patched = await server.send(
            "PATCH", "\(path)?fieldManager=four", [["op": "add", "path": "/metadata/labels", "value": ["x": "y"]]],
            contentType: "application/json-patch+json")
        #expect(Self.owners(patched.json)["four Update"] == #"{"f:metadata":{"f:labels":{".":{},"f:x":{}}}}"#)
        let strategic = await server.send(
            "PATCH", "\(path)?fieldManager=five", ["metadata": ["finalizers": ["a.example/b"]]],
            contentType: "application/strategic-merge-patch+json")
        #expect(
            Self.owners(strategic.json)["five Update"]
                == #"{"f:metadata":{"f:finalizers":{".":{},"v:\"a.example/b\"":{}}}}"#)
        // Without managedFields in the document nobody is forgotten.
        var bare = strategic.json
        bare["metadata"]["managedFields"] = nil
        bare["data"]["m"] = "y"
        let again = await server.send("PUT", "\(path)?fieldManager=five", bare)
        #expect(Self.owners(again.json).count == 5 - 1)
        #expect(
            Self.owners(again.json)["five Update"]
                == #"{"f:data":{"f:m":{}},"f:metadata":{"f:finalizers":{".":{},"v:\"a.example/b\"":{}}}}"#)
    }

    @Test func `the status has owners of its own`() async throws {
        let server = try await TestServer()
        var service = Samples.service("a")
        service["spec"]["type"] = "LoadBalancer"
        _ = await server.send("POST", "\(Samples.services)?fieldManager=me", service)
        let status: JSONValue = ["status": ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]]
        let patched = await server.send(
            "PATCH", "\(Samples.services)/a/status?fieldManager=balancer", status, contentType: Self.merge)
        #expect(
            Self.owners(patched.json)["balancer Update status"] == #"{"f:status":{"f:loadBalancer":{"f:ingress":{}}}}"#)
        // What the object says of its status is ignored, and takes nothing.
        var changed = patched.json
        changed["status"] = [:]
        changed["spec"]["sessionAffinity"] = "ClientIP"
        let updated = await server.send("PUT", "\(Samples.services)/a?fieldManager=other", changed)
        #expect(Self.owners(updated.json)["balancer Update status"] != nil)
        #expect(
            Self.owners(updated.json)["other Update"]
                == #"{"f:spec":{"f:sessionAffinity":{},"f:sessionAffinityConfig":{".":{},"f:clientIP":{".":{},"f:timeoutSeconds":{}}}}}"#
        )
    }

    @Test(arguments: [JSONValue.array([]), .array([[:]])])
    func `a client may forget all owners`(list: JSONValue) async throws {
        let server = try await TestServer()
        let path = "\(Samples.configMaps)/a"
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let reset = await server.send(
            "PATCH", path, ["metadata": ["managedFields": list]], contentType: Self.merge)
        #expect(reset.status == 200)
        #expect(reset.json["metadata"]["managedFields"] == nil)
        // Nobody is recorded from then on, until somebody applies.
        let updated = await server.send("PATCH", path, ["data": ["k": "2"]], contentType: Self.merge)
        #expect(updated.json["metadata"]["managedFields"] == nil)
    }

    @Test func `a client may write the owners itself, if it writes them well`() async throws {
        let server = try await TestServer()
        let path = "\(Samples.configMaps)/a"
        let created = await server.send("POST", "\(Samples.configMaps)?fieldManager=me", Samples.configMap("a"))
        let version = created.json["metadata"]["resourceVersion"]
        var entry = try #require(created.json["metadata"]["managedFields"][0])
        entry["operation"] = "Apply"
        let replaced = await server.send(
            "PATCH", path,
            [
                ["op": "replace", "path": "/metadata/managedFields", "value": [entry]],
                ["op": "replace", "path": "/metadata/resourceVersion", "value": version ?? .null],
            ], contentType: "application/json-patch+json")
        #expect(Self.owners(replaced.json) == ["me Apply": #"{"f:data":{".":{},"f:k":{}}}"#])
        #expect(replaced.json["metadata"]["resourceVersion"] != version)
        for bad: JSONValue in [
            [["manager": "x", "operation": "Other", "apiVersion": "v1", "fieldsType": "FieldsV1"]],
            [
                [
                    "manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                    "fieldsV1": ["a": [:]],
                ]
            ],
        ] {
            let kept = await server.send(
                "PATCH", path, ["metadata": ["managedFields": bad]], contentType: Self.merge)
            #expect(kept.status == 200)
            #expect(kept.json == replaced.json)
        }
    }

    @Test func `deleting keeps the owners of what waits for its finalizers`() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        document["metadata"]["finalizers"] = ["example.com/wait"]
        let created = await server.send("POST", "\(Samples.configMaps)?fieldManager=me", document)
        let deleted = await server.send("DELETE", "\(Samples.configMaps)/a")
        #expect(deleted.json["metadata"]["deletionTimestamp"] != nil)
        #expect(deleted.json["metadata"]["managedFields"] == created.json["metadata"]["managedFields"])
    }

    @Test func `a dry run shows the owners and stores none`() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", "\(Samples.configMaps)?fieldManager=me", Samples.configMap("a"))
        let tried = await server.send(
            "PATCH", "\(Samples.configMaps)/a?dryRun=All&fieldManager=you", ["data": ["k": "2"]],
            contentType: Self.merge)
        #expect(Self.owners(tried.json)["you Update"] == #"{"f:data":{"f:k":{}}}"#)
        #expect(await server.send("GET", "\(Samples.configMaps)/a").json == created.json)
    }

    @Test func `Events have owners in both their forms`() async throws {
        let server = try await TestServer()
        let new: JSONValue = [
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": "e", "namespace": "default"],
            "regarding": ["kind": "Service", "name": "a", "namespace": "default"], "note": "one", "reason": "R",
            "type": "Normal", "action": "A", "reportingController": "example.com/c", "reportingInstance": "i",
            "eventTime": "2026-01-01T00:00:00.000000Z",
        ]
        let created = await server.send(
            "POST", "/apis/events.k8s.io/v1/namespaces/default/events?fieldManager=me", new)
        try #require(created.status == 201, "\(created.text)")
        let path = "/api/v1/namespaces/default/events/e"
        let patched = await server.send(
            "PATCH", "\(path)?fieldManager=you", ["message": "two"], contentType: Self.merge)
        try #require(patched.status == 200, "\(patched.text)")
        #expect(Self.owners(patched.json)["you Update"] == #"{"f:message":{}}"#)
        let mine = try #require(Self.owners(patched.json)["me Update"])
        #expect(!mine.contains("f:note") && mine.contains("f:reason"), "\(mine)")
    }
}
