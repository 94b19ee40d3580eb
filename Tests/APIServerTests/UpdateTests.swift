import KubeModel
import Testing

@testable import APIServer

@Suite("Updating objects") struct UpdateTests {
    private func server(with document: JSONValue = Samples.configMap("a")) async throws -> (TestServer, JSONValue) {
        let server = try await TestServer()
        let path = document["kind"] == "Service" ? Samples.services : Samples.configMaps
        let created = await server.send("POST", path, document)
        try #require(created.status == 201, "\(created.text)")
        return (server, created.json)
    }

    @Test func updateReplacesAndMovesTheVersion() async throws {
        let (server, created) = try await server()
        var changed = created
        changed["data"] = ["k": "2"]
        let updated = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        #expect(updated.status == 200)
        #expect(updated.json["data"]["k"] == "2")
        #expect(updated.json["metadata"]["uid"] == created["metadata"]["uid"])
        #expect(updated.json["metadata"]["resourceVersion"] != created["metadata"]["resourceVersion"])
        #expect(await server.send("GET", "\(Samples.configMaps)/a").json == updated.json)
    }

    @Test func anOldVersionIsAConflict() async throws {
        let (server, created) = try await server()
        var changed = created
        changed["data"] = ["k": "2"]
        _ = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        changed["data"] = ["k": "3"]
        let refused = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        #expect(refused.status == 409)
        #expect(refused.json["reason"] == "Conflict")
        #expect(
            refused.message
                == "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your "
                + "changes to the latest version and try again")
    }

    @Test func aChangeOfNothingKeepsTheVersion() async throws {
        let (server, created) = try await server()
        let same = await server.send("PUT", "\(Samples.configMaps)/a", created)
        #expect(same.json["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"])
        let patched = await server.send(
            "PATCH", "\(Samples.configMaps)/a", ["data": ["k": "v"]], contentType: "application/merge-patch+json")
        #expect(patched.status == 200)
        #expect(patched.json == created)
    }

    @Test func identityIsImmutable() async throws {
        let (server, created) = try await server()
        var changed = created
        changed["metadata"]["name"] = "b"
        let renamed = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        #expect(renamed.status == 400)
        #expect(renamed.message == "the name of the object (b) does not match the name on the URL (a)")

        changed = created
        changed["metadata"]["uid"] = "11111111-1111-4111-8111-111111111111"
        let other = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        #expect(other.status == 409)
        #expect(other.message.contains("Precondition failed: UID in precondition"))

        changed = created
        changed["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z"
        let older = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        #expect(older.status == 200)
        #expect(older.json == created)

        changed = created
        changed["metadata"]["deletionTimestamp"] = "2001-01-01T00:00:00Z"
        let deleted = await server.send("PUT", "\(Samples.configMaps)/a", changed)
        #expect(deleted.status == 422)
        #expect(deleted.message.contains("metadata.deletionTimestamp: Invalid value"))
        #expect(deleted.message.contains("field is immutable"))
    }

    @Test func aMissingNameIsNotFoundUnlessTheKindAllowsIt() async throws {
        let server = try await TestServer()
        let missing = await server.send("PUT", "\(Samples.configMaps)/a", Samples.configMap("a"))
        #expect(missing.status == 404)
        #expect(missing.message == "configmaps \"a\" not found")
        let lease: JSONValue = [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "l"],
            "spec": ["holderIdentity": "me"],
        ]
        let made = await server.send("PUT", "/apis/coordination.k8s.io/v1/namespaces/default/leases/l", lease)
        #expect(made.status == 201, "\(made.text)")
    }

    @Test func patchesOfEachFormat() async throws {
        let (server, _) = try await server(with: Samples.service("web"))
        let path = "\(Samples.services)/web"
        let merged = await server.send(
            "PATCH", path, ["metadata": ["labels": ["tier": "front"]]], contentType: "application/merge-patch+json")
        #expect(merged.json["metadata"]["labels"]["tier"] == "front")

        let strategic = await server.send(
            "PATCH", path, ["spec": ["ports": [["port": 80, "name": "http"], ["port": 443, "name": "https"]]]],
            contentType: "application/strategic-merge-patch+json")
        #expect(strategic.status == 200, "\(strategic.text)")
        #expect(strategic.json["spec"]["ports"].array?.count == 2)

        let json = await server.send(
            "PATCH", path,
            [
                ["op": "test", "path": "/metadata/labels/tier", "value": "front"],
                ["op": "replace", "path": "/metadata/labels/tier", "value": "back"],
            ], contentType: "application/json-patch+json")
        #expect(json.json["metadata"]["labels"]["tier"] == "back")

        let failed = await server.send(
            "PATCH", path, [["op": "test", "path": "/metadata/labels/tier", "value": "front"]],
            contentType: "application/json-patch+json")
        #expect(failed.status == 422, "\(failed.text)")

        let unknown = await server.send("PATCH", path, [:], contentType: "application/apply-patch+cbor")
        #expect(unknown.status == 415)
        let malformed = await server.sendBytes(
            "PATCH", path, Array("{".utf8), contentType: "application/merge-patch+json")
        #expect(malformed.status == 400)
    }

    @Test func aPatchWithAVersionIsAPrecondition() async throws {
        let (server, created) = try await server()
        let version = created["metadata"]["resourceVersion"] ?? ""
        let patch: JSONValue = ["metadata": ["resourceVersion": version], "data": ["k": "2"]]
        let path = "\(Samples.configMaps)/a"
        #expect(await server.send("PATCH", path, patch, contentType: "application/merge-patch+json").status == 200)
        #expect(await server.send("PATCH", path, patch, contentType: "application/merge-patch+json").status == 409)
    }

    @Test func statusAndSpecAreSeparate() async throws {
        var service = Samples.service("web")
        service["spec"]["type"] = "LoadBalancer"
        let (server, created) = try await server(with: service)
        let path = "\(Samples.services)/web"
        var viaStatus = created
        viaStatus["spec"]["sessionAffinity"] = "ClientIP"
        viaStatus["status"] = ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]
        let updated = await server.send("PUT", "\(path)/status", viaStatus)
        #expect(updated.status == 200, "\(updated.text)")
        #expect(updated.json["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.1")
        #expect(updated.json["spec"] == created["spec"])

        var viaSpec = updated.json
        viaSpec["status"] = ["loadBalancer": [:]]
        let kept = await server.send("PUT", path, viaSpec)
        #expect(kept.json["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.1")

        let patched = await server.send(
            "PATCH", "\(path)/status", ["status": ["loadBalancer": ["ingress": [["hostname": "h"]]]]],
            contentType: "application/merge-patch+json")
        #expect(patched.json["status"]["loadBalancer"]["ingress"][0]["hostname"] == "h")
        #expect(await server.send("GET", "\(path)/status").json == patched.json)
        #expect(await server.send("GET", "\(Samples.configMaps)/a/status").status == 404)
    }

    @Test func generationCountsChangesOfTheSpec() async throws {
        let server = try await TestServer()
        let ingress: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["name": "i"],
            "spec": ["defaultBackend": ["service": ["name": "a", "port": ["number": 80]]]],
        ]
        let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
        let created = await server.send("POST", path, ingress)
        #expect(created.json["metadata"]["generation"] == 1, "\(created.text)")
        let labelled = await server.send(
            "PATCH", "\(path)/i", ["metadata": ["labels": ["a": "b"]]], contentType: "application/merge-patch+json")
        #expect(labelled.json["metadata"]["generation"] == 1)
        let changed = await server.send(
            "PATCH", "\(path)/i", ["spec": ["defaultBackend": ["service": ["name": "b"]]]],
            contentType: "application/merge-patch+json")
        #expect(changed.json["metadata"]["generation"] == 2)
    }

    @Test func patchesWithoutAVersionAllTakeEffect() async throws {
        let (server, _) = try await server()
        let statuses = await withTaskGroup(of: Int.self) { group in
            for index in 0..<12 {
                group.addTask {
                    await server.send(
                        "PATCH", "\(Samples.configMaps)/a", ["data": .object(["key\(index)": "x"])],
                        contentType: "application/merge-patch+json"
                    ).status
                }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.allSatisfy { $0 == 200 })
        let read = await server.send("GET", "\(Samples.configMaps)/a")
        #expect(read.json["data"].object?.count == 13)
    }

    @Test func ofUpdatesWithOneVersionOneWins() async throws {
        let (server, created) = try await server()
        let statuses = await withTaskGroup(of: Int.self) { group in
            for index in 0..<20 {
                group.addTask {
                    var changed = created
                    changed["data"] = ["winner": .string("\(index)")]
                    return await server.send("PUT", "\(Samples.configMaps)/a", changed).status
                }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 200 }.count == 1)
        #expect(statuses.filter { $0 == 409 }.count == 19)
    }
}
