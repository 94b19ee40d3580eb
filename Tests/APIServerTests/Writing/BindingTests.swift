import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("Binding Pods to nodes") struct BindingTests {
    private static let pods = "/api/v1/namespaces/default/pods"
    private static let bindings = "/api/v1/namespaces/default/bindings"

    private static func binding(_ name: String = "web", node: String = "one") -> JSONValue {
        ["metadata": ["name": .string(name)], "target": ["kind": "Node", "name": .string(node)]]
    }

    private func server() async throws -> TestServer {
        let server = try await TestServer()
        let pod: JSONValue = [
            "metadata": ["name": "web", "annotations": ["a": "kept", "b": "old"]],
            "spec": ["containers": [["name": "a", "image": "a"]]],
        ]
        #expect(await server.send("POST", Self.pods, pod).status == 201)
        return server
    }

    @Test(arguments: ["\(pods)/web/binding", bindings])
    func `a binding names the node, merges annotations and says that the Pod is scheduled`(path: String) async throws {
        let server = try await server()
        var binding = Self.binding()
        binding["metadata"]["annotations"] = ["b": "new", "c": "added"]
        let answer = await server.send("POST", path, binding)
        #expect(answer.status == 201, "\(answer.message)")
        #expect(answer.json["kind"] == "Status" && answer.json["status"] == "Success")
        let pod = await server.send("GET", "\(Self.pods)/web").json
        #expect(pod["spec"]["nodeName"] == "one")
        #expect(pod["metadata"]["annotations"] == ["a": "kept", "b": "new", "c": "added"])
        let condition = pod["status"]["conditions"][0]
        #expect(condition["type"] == "PodScheduled" && condition["status"] == "True")
        #expect(condition["lastTransitionTime"].string?.isEmpty == false)
        #expect(pod["metadata"]["generation"] == 1)
        // Nobody owns what a binding sets.
        let owned = (pod["metadata"]["managedFields"].array ?? []).map { $0["subresource"].string ?? "" }
        #expect(!owned.contains("binding"))
    }

    @Test func `a bound Pod stays where it is`() async throws {
        let server = try await server()
        _ = await server.send("POST", Self.bindings, Self.binding())
        let again = await server.send("POST", "\(Self.pods)/web/binding", Self.binding(node: "two"))
        #expect(again.status == 409 && again.json["reason"] == "Conflict")
        #expect(
            again.message
                == "Operation cannot be fulfilled on pods/binding \"web\": pod web is already assigned to node "
                + "\"one\"")
        #expect(await server.send("GET", "\(Self.pods)/web").json["spec"]["nodeName"] == "one")
    }

    @Test func `gates and deletions stand in the way`() async throws {
        let server = try await TestServer()
        let pod: JSONValue = [
            "metadata": ["name": "gated", "finalizers": ["a.example/b"]],
            "spec": [
                "containers": [["name": "a", "image": "a"]], "schedulingGates": [["name": "a.example/gate"]],
            ],
        ]
        #expect(await server.send("POST", Self.pods, pod).status == 201)
        let gated = await server.send("POST", Self.bindings, Self.binding("gated"))
        #expect(gated.status == 409 && gated.message.hasSuffix("pod gated has non-empty .spec.schedulingGates"))
        _ = await server.send("DELETE", "\(Self.pods)/gated")
        let deleted = await server.send("POST", Self.bindings, Self.binding("gated"))
        #expect(
            deleted.status == 409
                && deleted.message.hasSuffix("pod gated is being deleted, cannot be assigned to a host"))
    }

    @Test func `preconditions are kept`() async throws {
        let server = try await server()
        var binding = Self.binding()
        binding["metadata"]["uid"] = "another"
        #expect(await server.send("POST", Self.bindings, binding).status == 409)
        binding["metadata"]["uid"] = nil
        binding["metadata"]["resourceVersion"] = "1"
        #expect(await server.send("POST", Self.bindings, binding).status == 409)
    }

    @Test func `what can't be meant is refused by name`() async throws {
        let server = try await server()
        let noNode = await server.send("POST", Self.bindings, ["metadata": ["name": "web"], "target": [:]])
        #expect(noNode.status == 422)
        #expect(noNode.message == "Binding \"web\" is invalid: target.name: Required value")
        var other = Self.binding()
        other["target"]["kind"] = "Pod"
        let kind = await server.send("POST", Self.bindings, other)
        #expect(
            kind.message.contains("target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\""))
        #expect(await server.send("POST", "\(Self.pods)/web/binding", Self.binding("other")).status == 400)
        #expect(await server.send("POST", Self.bindings, Self.binding("missing")).status == 404)
        #expect(await server.send("GET", "\(Self.pods)/web/binding").status == 405)
        #expect(await server.send("GET", Self.bindings).status == 405)
    }

    @Test func `a dry run binds nothing`() async throws {
        let server = try await server()
        for path in ["\(Self.pods)/web/binding", Self.bindings] {
            #expect(await server.send("POST", "\(path)?dryRun=All", Self.binding()).status == 201)
        }
        #expect(await server.send("GET", "\(Self.pods)/web").json["spec"]["nodeName"] == nil)
    }

    @Test(arguments: ["\(pods)/web/binding", bindings])
    func `protobuf is taken and answered`(path: String) async throws {
        let server = try await server()
        var binding = Self.binding()
        binding["apiVersion"] = "v1"
        binding["kind"] = "Binding"
        let type = "application/vnd.kubernetes.protobuf"
        let answer = await server.sendBytes(
            "POST", path, ProtobufEncoder.answer(binding), contentType: type, accept: type)
        #expect(answer.status == 201)
        #expect(Array(answer.body.prefix(4)) == Array("k8s\0".utf8))
        #expect(await server.send("GET", "\(Self.pods)/web").json["spec"]["nodeName"] == "one")
    }
}
