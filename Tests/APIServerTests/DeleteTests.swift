import KubeModel
import Testing

@testable import APIServer

@Suite("Deleting objects") struct DeleteTests {
    @Test func deletingACollectionTakesNoMoreThanALimit() async throws {
        let server = try await TestServer()
        for name in ["a", "b", "c", "d"] {
            _ = await server.send("POST", Samples.configMaps, Samples.configMap(name))
        }
        let first = await server.send("GET", "\(Samples.configMaps)?limit=1")
        let token = first.json["metadata"]["continue"].string ?? ""
        #expect(await server.send("DELETE", "\(Samples.configMaps)?limit=2&continue=\(token)").names == ["b", "c"])
        #expect(await server.send("GET", Samples.configMaps).names == ["a", "d"])
        #expect(await server.send("DELETE", "\(Samples.configMaps)?limit=1").names == ["a"])
        #expect(await server.send("GET", Samples.configMaps).names == ["d"])
    }

    @Test func aBodyOfAnotherKindDeletesNothing() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let refused = await server.send("DELETE", "\(Samples.configMaps)/a", Samples.configMap("a"))
        #expect(refused.status == 400)
        let options: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"]
        #expect(await server.send("DELETE", "\(Samples.configMaps)/a", options).status == 200)
    }

    @Test func deletionAnswersWithStatusOrTheObject() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let deleted = await server.send("DELETE", "\(Samples.configMaps)/a")
        #expect(deleted.status == 200)
        #expect(deleted.json["kind"] == "Status")
        #expect(deleted.json["status"] == "Success")
        #expect(deleted.json["details"]["name"] == "a")
        #expect(deleted.json["details"]["kind"] == "configmaps")
        #expect(deleted.json["details"]["uid"] == created.json["metadata"]["uid"])
        #expect(deleted.json["code"] == nil)
        #expect(await server.send("DELETE", "\(Samples.configMaps)/a").status == 404)

        _ = await server.send("POST", Samples.services, Samples.service("web"))
        let service = await server.send(
            "DELETE", "\(Samples.services)/web", ["propagationPolicy": "Foreground", "gracePeriodSeconds": 0])
        #expect(service.json["kind"] == "Service", "\(service.text)")
    }

    @Test func preconditionsAreChecked() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let path = "\(Samples.configMaps)/a"
        let uid = await server.send("DELETE", path, ["preconditions": ["uid": "other"]])
        #expect(uid.status == 409)
        #expect(
            uid.message
                == "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (other) does not match "
                + "the UID in record (\(created.json["metadata"]["uid"].string ?? "")). The object might have been "
                + "deleted and then recreated")
        let version = await server.send("DELETE", path, ["preconditions": ["resourceVersion": "1"]])
        #expect(version.status == 409)
        #expect(
            version.message.hasPrefix(
                "Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition (1) does not "
                    + "match the ResourceVersion in record"), "\(version.text)")
        let namespace = await server.send(
            "DELETE", "/api/v1/namespaces/kube-node-lease", ["preconditions": ["uid": "other"]])
        #expect(namespace.status == 409)
        #expect(
            namespace.message.hasPrefix(
                "Operation cannot be fulfilled on namespaces \"kube-node-lease\": Precondition failed: UID in "
                    + "precondition: other, UID in object meta: "), "\(namespace.text)")
        let right = await server.send(
            "DELETE", path, ["preconditions": ["uid": created.json["metadata"]["uid"] ?? ""]])
        #expect(right.status == 200)
    }

    @Test func finalizersHoldAnObject() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        document["metadata"]["finalizers"] = ["example.com/hold"]
        _ = await server.send("POST", Samples.configMaps, document)
        let path = "\(Samples.configMaps)/a"
        let deleted = await server.send("DELETE", path)
        #expect(deleted.json["metadata"]["deletionTimestamp"].string != nil, "\(deleted.text)")
        let again = await server.send("DELETE", path)
        #expect(again.json == deleted.json)

        let added = await server.send(
            "PATCH", path, ["metadata": ["finalizers": ["example.com/hold", "example.com/more"]]],
            contentType: "application/merge-patch+json")
        #expect(added.status == 422)
        #expect(added.message.contains("no new finalizers can be added if the object is being deleted"))

        let released = await server.send(
            "PATCH", path, ["metadata": ["finalizers": .null]], contentType: "application/merge-patch+json")
        #expect(released.status == 200)
        #expect(await server.send("GET", path).status == 404)
    }

    @Test func collectionsAreDeletedBySelector() async throws {
        let server = try await TestServer()
        for index in 0..<6 {
            _ = await server.send(
                "POST", Samples.configMaps,
                Samples.configMap("c\(index)", labels: ["even": index % 2 == 0 ? "yes" : "no"]))
        }
        let deleted = await server.send("DELETE", "\(Samples.configMaps)?labelSelector=even%3Dyes")
        #expect(deleted.status == 200)
        #expect(deleted.names == ["c0", "c2", "c4"])
        #expect(await server.send("GET", Samples.configMaps).names == ["c1", "c3", "c5"])
    }

    @Test func aDeletedServiceGivesItsAddressBack() async throws {
        let server = try await TestServer(serviceCIDR: "10.96.0.0/29")
        var names: [String] = []
        for index in 0..<16 {
            let created = await server.send("POST", Samples.services, Samples.service("s\(index)"))
            if created.status != 201 { break }
            names.append("s\(index)")
        }
        #expect((1..<8).contains(names.count))
        let full = await server.send("POST", Samples.services, Samples.service("more"))
        #expect(full.status >= 400)
        #expect(await server.send("DELETE", "\(Samples.services)/\(names[0])").status == 200)
        #expect(await server.send("POST", Samples.services, Samples.service("more")).status == 201)
    }
}
