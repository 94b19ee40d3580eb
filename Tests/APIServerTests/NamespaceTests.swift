import KubeModel
import Testing

@testable import APIServer

@Suite struct NamespaceTests {
    private func make(_ server: TestServer, _ name: String) async {
        let response = await server.send(
            "POST", "/api/v1/namespaces",
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        #expect(response.status == 201)
        #expect(response.json["status"]["phase"] == "Active")
    }

    @Test func systemNamespacesAreThere() async throws {
        let server = try await TestServer()
        #expect(
            await server.send("GET", "/api/v1/namespaces").names
                == ["default", "kube-node-lease", "kube-public", "kube-system"])
        let refused = await server.send("DELETE", "/api/v1/namespaces/default")
        #expect(refused.status == 403)
        #expect(refused.message == "namespaces \"default\" is forbidden: this namespace may not be deleted")
    }

    @Test func deletionTakesTheContentsAlong() async throws {
        let server = try await TestServer()
        await make(server, "x")
        for index in 0..<30 {
            _ = await server.send("POST", "/api/v1/namespaces/x/configmaps", Samples.configMap("c\(index)"))
        }
        _ = await server.send("POST", "/api/v1/namespaces/x/services", Samples.service("web"))
        let deleted = await server.send("DELETE", "/api/v1/namespaces/x")
        #expect(deleted.json["status"]["phase"] == "Terminating", "\(deleted.text)")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
        #expect(await server.send("GET", "/api/v1/configmaps").names.isEmpty)
        #expect(await server.send("GET", "/api/v1/services").names.isEmpty)
        await make(server, "x")
    }

    @Test func aNamespaceWaitsForFinalizersAndTakesNothingNew() async throws {
        let server = try await TestServer()
        await make(server, "x")
        var held = Samples.configMap("held")
        held["metadata"]["finalizers"] = ["example.com/hold"]
        _ = await server.send("POST", "/api/v1/namespaces/x/configmaps", held)
        _ = await server.send("DELETE", "/api/v1/namespaces/x")
        let refused = await server.send("POST", "/api/v1/namespaces/x/configmaps", Samples.configMap("new"))
        #expect(refused.status == 403)
        #expect(
            refused.message
                == "configmaps \"new\" is forbidden: unable to create new content in namespace x because it is being "
                + "terminated")
        #expect(refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating")
        #expect(
            await Polling.until {
                await server.send("GET", "/api/v1/namespaces/x/configmaps/held").json["metadata"]["deletionTimestamp"]
                    != nil
            })
        #expect(await server.send("GET", "/api/v1/namespaces/x").status == 200)
        _ = await server.send(
            "PATCH", "/api/v1/namespaces/x/configmaps/held", ["metadata": ["finalizers": []]],
            contentType: "application/merge-patch+json")
        #expect(await Polling.until { await server.send("GET", "/api/v1/namespaces/x").status == 404 })
    }
}
