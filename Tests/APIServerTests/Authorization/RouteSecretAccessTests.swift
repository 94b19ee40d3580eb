import Foundation
import KubeModel
import TestSupport
import Testing

@testable import APIResources
@testable import APIServer

@Suite("A data plane reads the Secrets that routes name, and no others") struct RouteSecretAccessTests {
    private static let secrets = "/api/v1/namespaces/shop/secrets"

    private static func create(_ server: TestServer, _ path: String, _ object: JSONValue) async {
        let response = await server.send("POST", path, object)
        #expect(response.status == 201, "\(response.message)")
    }

    @Test func `an opaque Secret is read by its name for as long as a RouteTable names it`() async throws {
        let server = try await TestServer()
        let token = TestServer.nodeToken
        await Self.create(server, "/api/v1/namespaces", ["metadata": ["name": "shop"]])
        await Self.create(server, "/api/v1/namespaces", ["metadata": ["name": "other"]])
        for (namespace, name, type) in [
            ("shop", "ca", "Opaque"), ("shop", "private", "Opaque"), ("other", "ca", "Opaque"),
            ("shop", "typed", "example.com/typed"),
        ] {
            await Self.create(
                server, "/api/v1/namespaces/\(namespace)/secrets",
                ["metadata": ["name": .string(name)], "type": .string(type), "stringData": ["ca.crt": "x"]])
        }
        func get(_ path: String) async -> Int { await server.send("GET", path, token: token).status }
        let narrowed = Self.secrets + "?fieldSelector=type%3DOpaque,metadata.name%3D"
        #expect(await get(Self.secrets + "/ca") == 403)
        #expect(await get(narrowed + "ca") == 403)
        func backend(_ secret: String) -> JSONValue {
            [
                "serviceName": "web", "port": ["number": 80],
                "policy": ["tls": ["verify": true, "secretName": .string(secret)]],
            ]
        }
        let tables = "/apis/traffic.martlet.dev/v1/namespaces/shop/routetables"
        await Self.create(
            server, tables,
            [
                "metadata": ["name": "t"],
                "spec": [
                    "controllerName": "martlet.dev/ingress", "defaultBackend": backend("typed"),
                    "rules": [["paths": [["path": "/", "pathType": "Prefix", "backend": backend("ca")]]]],
                ],
            ])
        #expect(await get(Self.secrets + "/ca") == 200)
        #expect(await get(narrowed + "ca") == 200)
        // One that is not there yet is waited for.
        #expect(await get(narrowed + "private") == 403)
        #expect(await get(Self.secrets + "/private") == 403)
        #expect(await get(Self.secrets + "/typed") == 403)
        #expect(await get(narrowed + "typed") == 200)
        #expect(await server.send("GET", narrowed + "typed", token: token).json["items"]?.array?.isEmpty != false)
        #expect(await get(Self.secrets + "?fieldSelector=type%3DOpaque") == 403)
        #expect(await get(Self.secrets + "?fieldSelector=metadata.name%3Dca") == 403)
        #expect(await get("/api/v1/secrets?fieldSelector=type%3DOpaque,metadata.name%3Dca") == 403)
        #expect(await get("/api/v1/namespaces/other/secrets/ca") == 403)
        #expect(await server.send("DELETE", tables + "/t").status == 200)
        #expect(await get(Self.secrets + "/ca") == 403)
    }
}
