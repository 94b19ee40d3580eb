import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("Containers for diagnosis") struct EphemeralContainerTests {
    private static let pods = "/api/v1/namespaces/default/pods"
    private static let path = "\(pods)/web/ephemeralcontainers"
    private static let strategic = "application/strategic-merge-patch+json"

    private static let pod: JSONValue = [
        "metadata": ["name": "web"], "spec": ["containers": [["name": "a", "image": "a"]]],
    ]
    private static let shell: JSONValue = ["name": "shell", "image": "busybox", "targetContainerName": "a"]

    private func server() async throws -> TestServer {
        let server = try await TestServer()
        #expect(await server.send("POST", Self.pods, Self.pod).status == 201)
        return server
    }

    private func patch(_ containers: JSONValue, _ server: TestServer) async -> TestResponse {
        await server.send(
            "PATCH", Self.path, ["spec": ["ephemeralContainers": containers]], contentType: Self.strategic)
    }

    @Test func `one is added, with the defaults of containers, as kubectl debug does`() async throws {
        let server = try await server()
        let answer = await patch([Self.shell], server)
        #expect(answer.status == 200, "\(answer.message)")
        let added = answer.json["spec"]["ephemeralContainers"][0]
        #expect(added["name"] == "shell" && added["terminationMessagePolicy"] == "File")
        #expect(added["imagePullPolicy"] == "Always")
        #expect(answer.json["metadata"]["generation"] == 2)
        #expect(await server.send("GET", Self.path).json["spec"]["ephemeralContainers"][0]["image"] == "busybox")
        var second = Self.shell
        second["name"] = "second"
        #expect(await patch([second], server).json["spec"]["ephemeralContainers"].array?.count == 2)
    }

    @Test func `a whole Pod that is put changes nothing else`() async throws {
        let server = try await server()
        var pod = await server.send("GET", "\(Self.pods)/web").json
        pod["spec"]["ephemeralContainers"] = [Self.shell]
        pod["spec"]["containers"][0]["image"] = "other"
        pod["metadata"]["labels"] = ["a": "b"]
        let answer = await server.send("PUT", Self.path, pod)
        #expect(answer.status == 200, "\(answer.message)")
        #expect(answer.json["spec"]["containers"][0]["image"] == "a")
        #expect(answer.json["metadata"]["labels"] == nil)
        #expect(answer.json["spec"]["ephemeralContainers"].array?.count == 1)
        // The version that was read is gone.
        #expect(await server.send("PUT", Self.path, pod).status == 409)
    }

    @Test func `what is there is neither changed nor taken away`() async throws {
        let server = try await server()
        _ = await patch([Self.shell], server)
        let changed = await patch([["name": "shell", "image": "other"]], server)
        #expect(changed.status == 422)
        #expect(
            changed.message.contains(
                "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"shell\" may not be changed"))
        var pod = await server.send("GET", "\(Self.pods)/web").json
        pod["spec"]["ephemeralContainers"] = nil
        let removed = await server.send("PUT", Self.path, pod)
        #expect(removed.status == 422 && removed.message.contains("\"shell\" may not be removed"))
        // Through the Pod itself nothing of the kind goes either.
        #expect(await server.send("PUT", "\(Self.pods)/web", pod).status == 422)
    }

    @Test func `what such a container can't have is named`() async throws {
        let server = try await server()
        let container: JSONValue = [
            "name": "a", "image": "x", "targetContainerName": "none", "ports": [["containerPort": 80]],
            "livenessProbe": ["exec": ["command": ["true"]]],
        ]
        let answer = await patch([container], server)
        #expect(answer.status == 422)
        let path = "spec.ephemeralContainers[0]"
        for words in [
            "\(path).name: Duplicate value: \"a\"", "\(path).targetContainerName: Not found: \"none\"",
            "\(path).ports: Forbidden: cannot be set for an Ephemeral Container",
            "\(path).livenessProbe: Forbidden: cannot be set for an Ephemeral Container",
        ] {
            #expect(answer.message.contains(words), "\(answer.message)")
        }
    }

    @Test func `a new Pod has none`() async throws {
        let server = try await TestServer()
        var pod = Self.pod
        pod["spec"]["ephemeralContainers"] = [Self.shell]
        let answer = await server.send("POST", Self.pods, pod)
        #expect(answer.status == 422)
        #expect(answer.message.contains("spec.ephemeralContainers: Forbidden: cannot be set on create"))
    }

    @Test func `protobuf is taken`() async throws {
        let server = try await server()
        var pod = await server.send("GET", "\(Self.pods)/web").json
        pod["spec"]["ephemeralContainers"] = [Self.shell]
        let answer = await server.sendBytes(
            "PUT", Self.path, ProtobufEncoder.answer(pod), contentType: "application/vnd.kubernetes.protobuf")
        #expect(answer.status == 200, "\(answer.message)")
        #expect(answer.json["spec"]["ephemeralContainers"][0]["targetContainerName"] == "a")
    }
}
