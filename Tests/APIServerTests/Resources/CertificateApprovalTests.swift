import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("Approving certificate signing requests") struct CertificateApprovalTests {
    private static let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    private static let merge = "application/merge-patch+json"

    private func server() async throws -> TestServer {
        let server = try await TestServer()
        let pem = "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n"
        let request: JSONValue = [
            "metadata": ["name": "web"],
            "spec": [
                "request": .string(Base64.encode(Array(pem.utf8))), "signerName": "example.com/signer",
                "usages": ["client auth"],
            ],
        ]
        let answer = await server.send("POST", Self.path, request)
        #expect(answer.status == 201, "\(answer.message)")
        return server
    }

    private static func condition(_ type: String) -> JSONValue { ["type": .string(type), "status": "True"] }

    @Test func `approval takes conditions with their times, and nothing else`() async throws {
        let server = try await server()
        var request = await server.send("GET", "\(Self.path)/web").json
        request["status"]["conditions"] = [Self.condition("Approved")]
        request["status"]["certificate"] = "AA=="
        request["spec"]["signerName"] = "example.com/other"
        let answer = await server.send("PUT", "\(Self.path)/web/approval", request)
        #expect(answer.status == 200, "\(answer.message)")
        #expect(answer.json["spec"]["signerName"] == "example.com/signer")
        #expect(answer.json["status"]["certificate"] == nil)
        let condition = answer.json["status"]["conditions"][0]
        #expect(condition["type"] == "Approved")
        #expect(condition["lastUpdateTime"].string?.isEmpty == false)
        #expect(condition["lastTransitionTime"].string?.isEmpty == false)
        #expect(await server.send("GET", "\(Self.path)/web/approval").json["kind"] == "CertificateSigningRequest")
    }

    @Test func `a decision is made by approval only, once`() async throws {
        let server = try await server()
        let approved: JSONValue = ["status": ["conditions": [Self.condition("Approved")]]]
        let through = await server.send("PATCH", "\(Self.path)/web/status", approved, contentType: Self.merge)
        #expect(through.status == 422)
        #expect(
            through.message.contains(
                "status.conditions: Forbidden: updates may not add a condition of type \"Approved\""))
        let allowed = await server.send("PATCH", "\(Self.path)/web/approval", approved, contentType: Self.merge)
        #expect(allowed.status == 200, "\(allowed.message)")
        let denied: JSONValue = ["status": ["conditions": [Self.condition("Denied")]]]
        let changed = await server.send("PATCH", "\(Self.path)/web/approval", denied, contentType: Self.merge)
        #expect(changed.status == 422)
        #expect(changed.message.contains("updates may not remove a condition of type \"Approved\""))
    }

    @Test func `what a request asks for is said once, labels may change`() async throws {
        let server = try await server()
        let before = await server.send("GET", "\(Self.path)/web").json
        var changed = before
        changed["metadata"]["labels"] = ["team": "a"]
        changed["spec"]["signerName"] = "example.com/other"
        changed["spec"]["usages"] = ["server auth"]
        changed["spec"]["username"] = "system:admin"
        changed["status"]["certificate"] = "AA=="
        changed["status"]["conditions"] = [Self.condition("Approved")]
        let answer = await server.send("PUT", "\(Self.path)/web", changed)
        #expect(answer.status == 200, "\(answer.message)")
        #expect(answer.json["metadata"]["labels"] == ["team": "a"])
        #expect(answer.json["spec"] == before["spec"] && answer.json["status"] == before["status"])
        #expect(answer.json["spec"]["username"] == "tester")
        let patch: JSONValue = ["spec": ["request": "AAAA"]]
        let patched = await server.send("PATCH", "\(Self.path)/web", patch, contentType: Self.merge)
        #expect(patched.status == 200 && patched.json["spec"] == before["spec"])
    }
}
