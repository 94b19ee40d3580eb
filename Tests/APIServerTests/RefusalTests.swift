import KubeModel
import Testing

@testable import APIServer

@Suite("Refusals in Kubernetes' words") struct RefusalTests {
    @Test func callersWithoutCredentialsAre401() async throws {
        let server = try await TestServer()
        for token in [nil, "wrong"] {
            let response = await server.send("GET", Samples.services, token: token)
            #expect(response.status == 401)
            #expect(response.json["kind"] == "Status")
            #expect(response.json["reason"] == "Unauthorized")
        }
        #expect(await server.send("GET", "/nowhere", token: nil).status == 401)
        #expect(await server.send("GET", "/version", token: "wrong").status == 401)
    }

    @Test(arguments: [
        "/nowhere", "/api/v2/pods", "/api/v1/things", "/apis/networking.k8s.io/v9/ingresses",
        "/api/v1/namespaces/default/nodes", "/api/v1/services/x", "/api/v1/namespaces/default/services/x/scale",
    ])
    func unknownPathsAre404(_ path: String) async throws {
        let server = try await TestServer()
        let response = await server.send("GET", path)
        #expect(response.status == 404)
        #expect(response.message == "the server could not find the requested resource")
    }

    @Test(arguments: [
        ("POST", "/api/v1/namespaces/default/services/x"), ("PUT", "/api/v1/namespaces/default/services"),
        ("POST", "/api/v1/services"), ("DELETE", "/api/v1/services"),
        ("DELETE", "/api/v1/namespaces/default/services/x/status"), ("TRACE", "/api/v1/nodes"), ("POST", "/version"),
    ])
    func unknownMethodsAre405(_ method: String, _ path: String) async throws {
        let server = try await TestServer()
        let response = await server.send(method, path)
        #expect(response.status == 405)
        #expect(response.json["reason"] == "MethodNotAllowed")
    }

    @Test func tooManyWritesAre429() async throws {
        let server = try await TestServer(maxWritesInFlight: 0)
        let response = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        #expect(response.status == 429)
        #expect(response.header("Retry-After") == "1")
        #expect(response.json["reason"] == "TooManyRequests")
        #expect(await server.send("GET", Samples.configMaps).status == 200)
    }

    @Test func placesAreGivenBack() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("a"))
        _ = await server.send("GET", "\(Samples.configMaps)/none")
        #expect(server.core.pipeline.limit.current == (0, 0))
    }
}
