import KubeModel
import Testing

@testable import APIServer

@Suite("Requests with bootstrap tokens and certificates of nodes") struct BootstrapTokenAuthenticatorTests {
    private static let token = BootstrapToken("abcdef.0123456789abcdef")!

    private func server(_ record: BootstrapTokenRecord) async throws -> TestServer {
        let server = try await TestServer()
        let created = await server.send(
            "POST", "/api/v1/namespaces/kube-system/secrets", try record.secret.json())
        #expect(created.status == 201)
        return server
    }

    private static let requestPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    private static let request: JSONValue = [
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": ["name": "mine"],
        "spec": [
            "request": .string(Base64.encode(Array("-----BEGIN CERTIFICATE REQUEST-----\n".utf8))),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["client auth"],
            "username": "somebody else", "groups": ["system:masters"],
        ],
    ]

    @Test func `a token asks for a certificate in its own name`() async throws {
        let server = try await server(BootstrapTokenRecord(token: Self.token, extraGroups: ["system:bootstrappers:x"]))
        let made = await server.send("POST", Self.requestPath, Self.request, token: Self.token.text)
        #expect(made.status == 201)
        #expect(made.json["spec"]["username"].string == "system:bootstrap:abcdef")
        #expect(
            made.json["spec"]["groups"].array?.compactMap(\.string)
                == ["system:bootstrappers", "system:bootstrappers:x", "system:authenticated"])
        #expect(await server.send("GET", Self.requestPath + "/mine", token: Self.token.text).status == 200)
        #expect(await server.send("GET", Self.requestPath, token: Self.token.text).status == 403)
        #expect(await server.send("GET", "/api/v1/services", token: Self.token.text).status == 403)
        #expect(await server.send("GET", "/metrics", token: Self.token.text).status == 403)
    }

    @Test func `a wrong secret is told nothing, an expired token its end`() async throws {
        let server = try await server(
            BootstrapTokenRecord(token: Self.token, expiration: Timestamp(secondsSinceEpoch: 1_000_000)))
        let wrong = await server.send("GET", Self.requestPath + "/x", token: "abcdef.0123456789abcdee")
        #expect(wrong.status == 401)
        #expect(wrong.json["message"].string == "Unauthorized")
        let expired = await server.send("GET", Self.requestPath + "/x", token: Self.token.text)
        #expect(expired.status == 401)
        #expect(
            expired.json["message"].string == "Unauthorized: bootstrap token abcdef expired at 1970-01-12T13:46:40Z")
    }

    @Test func `a token that is not for authentication, and one that is gone, are refused`() async throws {
        let server = try await server(BootstrapTokenRecord(token: Self.token, authenticates: false))
        #expect(await server.send("GET", "/version", token: Self.token.text).status == 401)
        #expect(
            await server.send("DELETE", "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef").status == 200)
        #expect(await server.send("GET", "/version", token: Self.token.text).status == 401)
    }

    @Test func `what was approved cannot be taken back, and only approval approves`() async throws {
        let server = try await TestServer()
        #expect(await server.send("POST", Self.requestPath, Self.request).status == 201)
        let approved: JSONValue = [
            "status": ["conditions": [["type": "Approved", "status": "True", "reason": "Test"]]]
        ]
        let merge = "application/merge-patch+json"
        let byStatus = await server.send("PATCH", Self.requestPath + "/mine/status", approved, contentType: merge)
        #expect(byStatus.json["status"]["conditions"].array == nil)
        let byApproval = await server.send("PATCH", Self.requestPath + "/mine/approval", approved, contentType: merge)
        #expect(byApproval.json["status"]["conditions"].array?.first?["type"].string == "Approved")
        #expect(byApproval.json["status"]["conditions"].array?.first?["lastUpdateTime"].string != nil)
        let removed = await server.send(
            "PATCH", Self.requestPath + "/mine/approval", ["status": ["conditions": []]], contentType: merge)
        #expect(removed.status == 422)
        let bad = await server.send(
            "PATCH", Self.requestPath + "/mine/status", ["status": ["certificate": "AAAA"]], contentType: merge)
        #expect(bad.status == 422)
    }

    private func asNode(
        _ server: TestServer, _ method: String, _ path: String, _ body: JSONValue,
        contentType: String = "application/json"
    ) async -> TestResponse {
        var request = IncomingRequest(method: method, path: path)
        request.body = body.encoded()
        request.contentType = contentType
        request.origin = .certificate(commonName: "system:node:a", organizations: ["system:nodes"])
        let sent = request
        return await withCheckedContinuation { continuation in
            server.core.pipeline.handle(sent, SingleResponse { continuation.resume(returning: TestResponse($0)) })
        }
    }

    @Test func `a node registers itself and nobody else, and keeps its hands off taints`() async throws {
        let server = try await TestServer()
        func node(_ name: String) -> JSONValue {
            ["apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)]]
        }
        #expect(await asNode(server, "POST", "/api/v1/nodes", node("b")).status == 403)
        #expect(await asNode(server, "POST", "/api/v1/nodes", node("a")).status == 201)
        let merge = "application/merge-patch+json"
        let tainted = await asNode(
            server, "PATCH", "/api/v1/nodes/a", ["spec": ["taints": [["key": "x", "effect": "NoSchedule"]]]],
            contentType: merge)
        #expect(tainted.status == 403)
        for label in ["node-restriction.kubernetes.io/x", "node-role.kubernetes.io/control-plane"] {
            let guarded = await asNode(
                server, "PATCH", "/api/v1/nodes/a", ["metadata": ["labels": [label: ""]]], contentType: merge)
            #expect(guarded.status == 403 && guarded.message.hasSuffix("is not allowed to modify labels: \(label)"))
        }
        let labelled = await asNode(
            server, "PATCH", "/api/v1/nodes/a", ["metadata": ["labels": ["topology.kubernetes.io/zone": "z"]]],
            contentType: merge)
        #expect(labelled.status == 200)
        let lease: JSONValue = [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "b"],
            "spec": ["holderIdentity": "b", "leaseDurationSeconds": 40],
        ]
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        #expect(await asNode(server, "POST", leases, lease).status == 403)
    }
}
