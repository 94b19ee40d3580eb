import KubeModel
import Testing

@testable import APIServer

/// PATCH through the whole pipeline: formats, refusals, races.
@Suite("Patches through the server") struct ServerPatchTests {
    private static let json = "application/json-patch+json"
    private static let merge = "application/merge-patch+json"
    private static let strategic = "application/strategic-merge-patch+json"

    private func server(_ document: JSONValue = Samples.configMap("a")) async throws -> (TestServer, String) {
        let server = try await TestServer()
        let collection = document["kind"] == "Service" ? Samples.services : Samples.configMaps
        let created = await server.send("POST", collection, document)
        try #require(created.status == 201, "\(created.text)")
        return (server, "\(collection)/a")
    }

    @Test func otherFormatsAre415AndListTheServedOnes() async throws {
        let (server, path) = try await server()
        for type in ["application/json", "application/yaml", "text/plain", nil] {
            let refused = await server.sendBytes("PATCH", path, Array("{}".utf8), contentType: type)
            #expect(refused.status == 415)
            #expect(refused.json["reason"] == "UnsupportedMediaType")
            #expect(
                refused.message.hasPrefix(
                    "the body of the request was in an unknown format - accepted media types include: "
                        + "application/json-patch+json, application/merge-patch+json, "
                        + "application/strategic-merge-patch+json"), "\(refused.text)")
        }
        let parameters = await server.send(
            "PATCH", path, [:], contentType: "application/merge-patch+json; charset=utf-8")
        #expect(parameters.status == 200)
    }

    @Test(arguments: [json, merge, strategic])
    func aMissingObjectIs404WhateverThePatch(type: String) async throws {
        let server = try await TestServer()
        let missing = await server.sendBytes("PATCH", "\(Samples.configMaps)/no", Array("{".utf8), contentType: type)
        #expect(missing.status == 404)
        #expect(missing.message == "configmaps \"no\" not found")
    }

    @Test(arguments: [
        (
            json, "{}",
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        ),
        (json, "[{", "error decoding patch: "), (merge, "[1]", "error decoding patch: json: cannot unmarshal array"),
        (merge, "{\"a\"", "error decoding patch: "), (strategic, "[]", "json: cannot unmarshal array into Go value"),
        (strategic, "{\"data\":{\"$patch\":\"explode\"}}", "unknown patch type: explode in map: map[$patch:explode]"),
        (strategic, "{\"data\":{\"$retainKeys\":1}}", "invalid patch format of retainKeys"),
    ])
    func whatIsNoPatchIs400(type: String, body: String, message: String) async throws {
        let (server, path) = try await server()
        let refused = await server.sendBytes("PATCH", path, Array(body.utf8), contentType: type)
        #expect(refused.status == 400, "\(refused.text)")
        #expect(refused.message.hasPrefix(message), "\(refused.message)")
    }

    @Test func keysToRetainCountWhereThereIsAMapAndDoNotFitANewOne() async throws {
        let (server, path) = try await server()
        let patch: JSONValue = ["data": ["$retainKeys": ["a"], "a": "b"]]
        let retained = await server.send("PATCH", path, patch, contentType: Self.strategic)
        #expect(retained.status == 200, "\(retained.text)")
        #expect(retained.json["data"] == ["a": "b"])
        let directive: JSONValue = ["data": ["$retainKeys": ["z"]]]
        let emptied = await server.send("PATCH", path, directive, contentType: Self.strategic)
        #expect(emptied.status == 200 && emptied.json["data"]["a"] == nil, "\(emptied.text)")
        #expect(await server.send("PATCH", path, ["data": ["c": "d"]], contentType: Self.strategic).status == 200)
        let unlisted: JSONValue = ["data": ["$retainKeys": ["a"], "b": "b"]]
        #expect(await server.send("PATCH", path, unlisted, contentType: Self.strategic).status == 400)
        let bare: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "bare"]]
        #expect(await server.send("POST", Samples.configMaps, bare).status == 201)
        let alone = await server.send("PATCH", "\(Samples.configMaps)/bare", directive, contentType: Self.strategic)
        #expect(alone.status == 422, "\(alone.text)")
        let refused = await server.send("PATCH", "\(Samples.configMaps)/bare", patch, contentType: Self.strategic)
        #expect(refused.status == 422, "\(refused.text)")
        #expect(refused.json["reason"] == "Invalid")
        #expect(refused.json["details"]["causes"][0]["field"] == "patch")
    }

    @Test func whatDoesNotApplyIs422() async throws {
        let (server, path) = try await server()
        for operation in [
            ["op": "test", "path": "/data/k", "value": "other"], ["op": "remove", "path": "/data/no"],
            ["op": "replace", "path": "/nothing/here", "value": 1], ["op": "spam", "path": "/data/k"],
            ["op": "copy", "from": "/no", "path": "/data/x"],
        ] as [JSONValue] {
            let refused = await server.send("PATCH", path, [operation], contentType: Self.json)
            #expect(refused.status == 422, "\(refused.text)")
            #expect(refused.message == "the server rejected our request due to an error in our request")
            #expect(refused.json["reason"] == "Invalid")
        }
        #expect(await server.send("GET", path).json["data"] == ["k": "v"])
    }

    @Test func operationsAreLimited() async throws {
        let (server, path) = try await server()
        let operation: JSONValue = ["op": "test", "path": "/data/k", "value": "v"]
        let many = await server.send(
            "PATCH", path, .array(Array(repeating: operation, count: 10_000)), contentType: Self.json)
        #expect(many.status == 200)
        let tooMany = await server.send(
            "PATCH", path, .array(Array(repeating: operation, count: 10_001)), contentType: Self.json)
        #expect(tooMany.status == 413)
        #expect(
            tooMany.message
                == "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001")
        #expect(tooMany.json["reason"] == "RequestEntityTooLarge")
    }

    @Test(arguments: [json, merge, strategic])
    func identityStays(type: String) async throws {
        let (server, path) = try await server()
        func patch(_ field: String, _ value: JSONValue) async -> TestResponse {
            let body: JSONValue =
                type == Self.json
                ? [["op": "add", "path": .string("/metadata/\(field)"), "value": value]]
                : ["metadata": .object([field: value])]
            return await server.send("PATCH", path, body, contentType: type)
        }
        let named = await patch("name", "b")
        #expect(named.status == 400)
        #expect(named.message == "the name of the object (b) does not match the name on the URL (a)")
        let nameless = await patch("name", "")
        #expect(nameless.status == 400)
        #expect(
            nameless.message == "the name of the object (a based on URL) was undeterminable: name must be provided")
        let moved = await patch("namespace", "kube-system")
        #expect(moved.status == 400)
        #expect(
            moved.message == "the namespace of the provided object does not match the namespace sent on the request")
        let other = await patch("uid", "11111111-1111-4111-8111-111111111111")
        #expect(other.status == 422)
        #expect(
            other.json["details"]["causes"]
                == [
                    [
                        "reason": "FieldValueInvalid", "field": "metadata.uid",
                        "message":
                            "Invalid value: \"11111111-1111-4111-8111-111111111111\": field is immutable",
                    ]
                ], "\(other.text)")
        let younger = await patch("creationTimestamp", "2001-01-01T00:00:00Z")
        #expect(younger.status == 200)
        #expect(younger.json["metadata"]["creationTimestamp"] != "2001-01-01T00:00:00Z")
        let older = await patch("resourceVersion", "1")
        #expect(older.status == 409)
        let generation = await patch("generation", 77)
        #expect(generation.json["metadata"]["generation"] == nil)
    }

    @Test func theKindStays() async throws {
        let (server, path) = try await server()
        for type in [Self.merge, Self.json] {
            let body: JSONValue =
                type == Self.merge ? ["kind": "Secret"] : [["op": "replace", "path": "/kind", "value": "Secret"]]
            let refused = await server.send("PATCH", path, body, contentType: type)
            #expect(refused.status == 422)
            #expect(refused.message.hasPrefix(" \"\" is invalid: patch: Invalid value: "), "\(refused.message)")
            #expect(refused.message.contains("no kind \"Secret\" is registered for version \"v1\""))
        }
        // A strategic merge patch fills a struct of a known type.
        let ignored = await server.send("PATCH", path, ["kind": "Secret"], contentType: Self.strategic)
        #expect(ignored.status == 200)
        #expect(ignored.json["kind"] == "ConfigMap")
    }

    @Test func wrongTypesNameThePatch() async throws {
        let (server, path) = try await server(Samples.service("a"))
        for type in [Self.merge, Self.strategic] {
            let refused = await server.send("PATCH", path, ["spec": ["ports": "none"]], contentType: type)
            #expect(refused.status == 422)
            #expect(refused.json["details"]["causes"][0]["field"] == "patch")
            #expect(refused.message.contains("json: cannot unmarshal string into Go struct field"), "\(refused.text)")
        }
        let replaced = await server.send(
            "PATCH", path, [["op": "replace", "path": "", "value": 5]], contentType: Self.json)
        #expect(replaced.status == 422)
    }

    @Test func portsMergeByTheirKey() async throws {
        var service = Samples.service("a")
        service["spec"]["ports"] = [["name": "http", "port": 80], ["name": "https", "port": 443]]
        let (server, path) = try await server(service)
        let patched = await server.send(
            "PATCH", path,
            [
                "spec": [
                    "$setElementOrder/ports": [["port": 9090], ["port": 80]],
                    "ports": [
                        ["port": 9090, "name": "metrics"], ["port": 80, "targetPort": 8080],
                        ["$patch": "delete", "port": 443],
                    ],
                    "selector": ["$patch": "replace", "tier": "front"],
                ],
                "metadata": ["$deleteFromPrimitiveList/finalizers": ["a.io/b"], "labels": ["a": "b", "c": .null]],
            ], contentType: Self.strategic)
        #expect(patched.status == 200, "\(patched.text)")
        #expect(patched.json["spec"]["ports"].array?.compactMap { $0["port"].int } == [9090, 80])
        #expect(patched.json["spec"]["ports"][1]["targetPort"] == 8080)
        #expect(patched.json["spec"]["ports"][1]["name"] == "http")
        #expect(patched.json["spec"]["selector"] == ["tier": "front"])
        #expect(patched.json["metadata"]["labels"] == ["a": "b"])
    }

    @Test func finalizersAreASetForStrategicPatches() async throws {
        var document = Samples.configMap("a")
        document["metadata"]["finalizers"] = ["a.io/one", "a.io/two"]
        let (server, path) = try await server(document)
        let added = await server.send(
            "PATCH", path, ["metadata": ["finalizers": ["a.io/three"]]], contentType: Self.strategic)
        #expect(Set(added.json["metadata"]["finalizers"].array ?? []) == ["a.io/one", "a.io/two", "a.io/three"])
        let removed = await server.send(
            "PATCH", path, ["metadata": ["$deleteFromPrimitiveList/finalizers": ["a.io/one", "a.io/three"]]],
            contentType: Self.strategic)
        #expect(removed.json["metadata"]["finalizers"] == ["a.io/two"])
    }

    @Test(arguments: [json, merge, strategic])
    func concurrentPatchesAllTakeEffect(type: String) async throws {
        let (server, path) = try await server()
        let count = 40
        let statuses = await withTaskGroup(of: Int.self) { group in
            for index in 0..<count {
                group.addTask {
                    let body: JSONValue =
                        type == Self.json
                        ? [["op": "add", "path": .string("/data/key\(index)"), "value": "x"]]
                        : ["data": .object(["key\(index)": "x"])]
                    return await server.send("PATCH", path, body, contentType: type).status
                }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.allSatisfy { $0 == 200 }, "\(statuses)")
        #expect(await server.send("GET", path).json["data"].object?.count == count + 1)
    }

    @Test func ofPatchesWithOneVersionOneWins() async throws {
        let (server, path) = try await server()
        let version = await server.send("GET", path).json["metadata"]["resourceVersion"] ?? ""
        let statuses = await withTaskGroup(of: Int.self) { group in
            for index in 0..<20 {
                group.addTask {
                    let body: JSONValue =
                        index % 2 == 0
                        ? ["metadata": ["resourceVersion": version], "data": ["k": .string("\(index)")]]
                        : [
                            ["op": "test", "path": "/metadata/resourceVersion", "value": version],
                            ["op": "replace", "path": "/data/k", "value": .string("\(index)")],
                        ]
                    return await server.send(
                        "PATCH", path, body, contentType: index % 2 == 0 ? Self.merge : Self.json
                    ).status
                }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 200 }.count == 1, "\(statuses)")
        #expect(statuses.allSatisfy { [200, 409, 422].contains($0) })
    }

    @Test func aPatchOfStatusLeavesTheSpec() async throws {
        var service = Samples.service("a")
        service["spec"]["type"] = "LoadBalancer"
        let (server, path) = try await server(service)
        let added: JSONValue = [
            ["op": "add", "path": "/status/loadBalancer/ingress", "value": [["ip": "192.0.2.1"]]]
        ]
        let merged: JSONValue = [
            "spec": ["type": "ClusterIP"], "status": ["loadBalancer": ["ingress": [["ip": "192.0.2.2"]]]],
        ]
        for (type, body) in [(Self.json, added), (Self.strategic, merged)] {
            let patched = await server.send("PATCH", "\(path)/status", body, contentType: type)
            #expect(patched.status == 200, "\(patched.text)")
            #expect(patched.json["spec"]["type"] == "LoadBalancer")
        }
        #expect(
            await server.send("GET", path).json["status"]["loadBalancer"]["ingress"].array?.count == 1)
    }
}
