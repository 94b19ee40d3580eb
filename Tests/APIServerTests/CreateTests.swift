import KubeModel
import Testing

@testable import APIServer

@Suite("Creating objects") struct CreateTests {
    @Test func createFillsInWhatOnlyTheServerMaySay() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(created.status == 201)
        let metadata = created.json["metadata"]
        #expect(metadata["namespace"].string == "default")
        #expect(metadata["uid"].string?.count == 36)
        #expect(Timestamp(metadata["creationTimestamp"].string ?? "") != nil)
        #expect(Int(metadata["resourceVersion"].string ?? "") != nil)
        #expect(created.json.object.map { Array($0.keys.prefix(3)) } == ["apiVersion", "kind", "metadata"])

        let read = await server.send("GET", "\(Samples.configMaps)/a")
        #expect(read.status == 200)
        #expect(read.json == created.json)
    }

    @Test func aSecondCreateIsAConflict() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        let again = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(again.status == 409)
        #expect(again.json["reason"] == "AlreadyExists")
        #expect(again.message == "configmaps \"a\" already exists")
    }

    @Test func aVersionOnCreateIsRefused() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        document["metadata"]["resourceVersion"] = "7"
        let refused = await server.send("POST", Samples.configMaps, document)
        #expect(refused.status == 400)
        #expect(refused.message == "resourceVersion should not be set on objects to be created")
    }

    @Test func generateNameMakesDistinctNames() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("x")
        document["metadata"] = ["generateName": "web-"]
        var names: Set<String> = []
        for _ in 0..<20 {
            let created = await server.send("POST", Samples.configMaps, document)
            #expect(created.status == 201)
            names.insert(created.json["metadata"]["name"].string ?? "")
        }
        #expect(names.count == 20)
        #expect(names.allSatisfy { $0.hasPrefix("web-") && $0.count == 9 })
    }

    @Test func identityOfBodyAndPathMustAgree() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        document["metadata"]["namespace"] = "other"
        let response = await server.send("POST", Samples.configMaps, document)
        #expect(response.status == 400)
        #expect(
            response.message
                == "the namespace of the provided object does not match the namespace sent on the request")
    }

    @Test func wrongKindsAreRefused() async throws {
        let server = try await TestServer()
        let version = await server.send(
            "POST", Samples.configMaps, ["apiVersion": "v2", "kind": "ConfigMap", "metadata": ["name": "a"]])
        #expect(version.status == 400)
        #expect(
            version.message
                == "the API version in the data (v2) does not match the expected API version (v1)")
        let kind = await server.send(
            "POST", Samples.configMaps, ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"]])
        #expect(kind.status == 400)
    }

    @Test func malformedBodiesAre400() async throws {
        let server = try await TestServer()
        for body in ["", "{", "[]", "{\"a\":1}x", "\u{1}"] {
            let response = await server.sendBytes("POST", Samples.configMaps, Array(body.utf8))
            #expect(response.status == 400, "\(body)")
            #expect(response.json["reason"] == "BadRequest")
        }
    }

    @Test func unknownFieldsFollowFieldValidation() async throws {
        let server = try await TestServer()
        var document = Samples.configMap("a")
        document["colour"] = "red"
        let strict = await server.send("POST", "\(Samples.configMaps)?fieldValidation=Strict", document)
        #expect(strict.status == 400)
        #expect(strict.message.contains("strict decoding error: unknown field \"colour\""))

        let warned = await server.send("POST", "\(Samples.configMaps)?fieldValidation=Warn", document)
        #expect(warned.status == 201)
        #expect(warned.header("Warning") == "299 - \"unknown field \\\"colour\\\"\"")
        #expect(warned.json["colour"] == nil)

        document["metadata"]["name"] = "b"
        let ignored = await server.send("POST", "\(Samples.configMaps)?fieldValidation=Ignore", document)
        #expect(ignored.status == 201)
        #expect(ignored.header("Warning") == nil)

        let wrong = await server.send("POST", "\(Samples.configMaps)?fieldValidation=Maybe", document)
        #expect(wrong.status == 422)
    }

    @Test func duplicateKeysFollowFieldValidation() async throws {
        let server = try await TestServer()
        let body = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1","k":"2"}}"#
        let strict = await server.sendBytes(
            "POST", "\(Samples.configMaps)?fieldValidation=Strict", Array(body.utf8))
        #expect(strict.status == 400)
        #expect(strict.message.contains("duplicate field \"data.k\""))
        let warned = await server.sendBytes("POST", Samples.configMaps, Array(body.utf8))
        #expect(warned.status == 201)
        #expect(warned.json["data"]["k"] == "2")
    }

    @Test func everyInvalidFieldIsNamedAtOnce() async throws {
        let server = try await TestServer()
        var document = Samples.service("Bad_Name", port: 70000)
        document["metadata"]["labels"] = ["-x": "ok"]
        document["spec"]["sessionAffinity"] = "Sometimes"
        let response = await server.send("POST", Samples.services, document)
        #expect(response.status == 422)
        #expect(response.json["reason"] == "Invalid")
        let fields = Set((response.json["details"]["causes"].array ?? []).compactMap { $0["field"].string })
        #expect(fields.isSuperset(of: ["metadata.name", "metadata.labels", "spec.ports[0].port"]))
        #expect(fields.contains("spec.sessionAffinity"))
    }

    @Test func yamlIsReadAndWritten() async throws {
        let server = try await TestServer()
        let body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: why\ndata:\n  a: \"1\"\n"
        let created = await server.sendBytes(
            "POST", Samples.configMaps, Array(body.utf8), contentType: "application/yaml", accept: "application/yaml")
        #expect(created.status == 201)
        #expect(created.header("Content-Type") == "application/yaml")
        #expect(created.text.contains("name: why"))
    }

    @Test func `a protobuf body that is none is refused`() async throws {
        let server = try await TestServer()
        let body = await server.sendBytes(
            "POST", Samples.configMaps, [1, 2], contentType: "application/vnd.kubernetes.protobuf")
        #expect(body.status == 400)
    }

    @Test func dryRunStoresNothing() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", "\(Samples.services)?dryRun=All", Samples.service("web"))
        #expect(created.status == 201)
        #expect(created.json["spec"]["clusterIP"].string?.isEmpty == false)
        #expect(await server.send("GET", "\(Samples.services)/web").status == 404)
        #expect(await server.send("POST", "\(Samples.services)?dryRun=Some", Samples.service("web")).status == 422)
    }

    @Test func aMissingNamespaceIsNotFound() async throws {
        let server = try await TestServer()
        let response = await server.send("POST", "/api/v1/namespaces/none/configmaps", Samples.configMap("a"))
        #expect(response.status == 404)
        #expect(response.message == "namespaces \"none\" not found")
    }

    @Test func manyCreatesAtOnceAllSucceed() async throws {
        let server = try await TestServer()
        let statuses = await withTaskGroup(of: Int.self) { group in
            for index in 0..<100 {
                group.addTask { await server.send("POST", Samples.services, Samples.service("s\(index)")).status }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.allSatisfy { $0 == 201 })
        let list = await server.send("GET", Samples.services)
        let addresses = (list.json["items"].array ?? []).compactMap { $0["spec"]["clusterIP"].string }
        #expect(addresses.count == 100)
        #expect(Set(addresses).count == 100)
    }
}
