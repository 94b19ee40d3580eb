import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What must not be lost or opened by mistake.
    @Suite("Ingress guard", .serialized) struct IngressGuardTests {
        @Test func `a request under way is answered when the processes are told to end`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.27.1")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(IngressTrafficTests.classes + IngressTrafficTests.service("web", backend))
                try await family.apply(
                    IngressTrafficTests.ingress("slow", host: "slow.example.com", service: "web", class: "left"))
                try await eventually(within: .seconds(20), "an answer") {
                    try await family.get("slow.example.com") != nil
                }
                let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/two_parts.py").path
                let client = try InteractiveProgram("python3", [script, "\(family.httpPort)", "slow.example.com"])
                // The proxy has taken it on, and waits for its content.
                #expect(try await client.firstLine() == "HTTP/1.1 100 Continue")
                family.server.program.signal(SIGTERM)
                try await eventually(within: .seconds(20), "the end of new connections") {
                    try await family.get("slow.example.com") == nil
                }
                let answer = try await client.finish()
                #expect(answer.contains("200 OK"), "\(answer)")
                #expect(answer.lowercased().contains("connection: close"))
                #expect(answer.contains("one answers POST"))
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `a route whose guard is not understood stays closed and says so`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.27.2")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(IngressTrafficTests.classes + IngressTrafficTests.service("web", backend))
                try await family.apply(
                    IngressTrafficTests.ingress("open", host: "open.example.com", service: "web", class: "left"))
                let guarded = IngressTrafficTests.ingress(
                    "guarded", host: "guarded.example.com", service: "web", class: "left")
                try await family.apply(
                    guarded.replacingOccurrences(
                        of: "{name: guarded}",
                        with:
                            "{name: guarded, annotations: {nginx.ingress.kubernetes.io/enable-modsecurity: 'true'}}"))
                try await eventually(within: .seconds(20), "the open one") {
                    try await family.get("open.example.com") != nil
                }
                let server = family.server
                try await eventually(within: .seconds(20), "the condition") {
                    let output = try await server.tryKubectl([
                        "get", "routetable", "guarded", "-o",
                        "jsonpath={.status.conditions[?(@.type==\"Accepted\")].status}",
                    ])
                    return output.out == "False"
                }
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "guarded").contains("UnsupportedGuard")
                }
                #expect(try await Self.status("guarded.example.com", family) == "503")
                #expect(try await Self.status("open.example.com", family) == "200")
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `a Secret that turns bad leaves its certificate in place`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.27.3")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(IngressTrafficTests.classes + IngressTrafficTests.service("web", backend))
                try await family.apply(
                    IngressTrafficTests.ingress(
                        "secure", host: "secure.example.com", service: "web", class: "left", secret: "secure-tls"))
                let (certificate, key) = try await IngressTrafficTests.certificate("good", in: family.server.directory)
                try await family.server.kubectl(
                    "create", "secret", "tls", "secure-tls", "--cert", certificate, "--key", key)
                @Sendable func answers() async throws -> Bool {
                    try await family.curl(
                        "--cacert", certificate, "--resolve", "secure.example.com:\(family.httpsPort):127.0.0.1",
                        "https://secure.example.com:\(family.httpsPort)/")?.hasPrefix("one answers") == true
                }
                try await eventually(within: .seconds(20), "the certificate") { try await answers() }
                try await family.server.kubectl(
                    "patch", "secret", "secure-tls", "--type=merge", "-p", #"{"data":{"tls.crt":"Z2FyYmFnZQ=="}}"#)
                let server = family.server
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "secure").contains("InvalidSecret")
                }
                // A later change has been taken over, so the Secret's has too.
                try await family.apply(
                    IngressTrafficTests.ingress("later", host: "later.example.com", service: "web", class: "left"))
                try await eventually(within: .seconds(20), "a later change") {
                    try await family.get("later.example.com") != nil
                }
                #expect(try await answers())
                // Without TLS it stays closed, whatever its Secret is like.
                #expect(try await Self.status("secure.example.com", family) == "308")
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        private static func status(_ host: String, _ family: Family) async throws -> String {
            try await Program.run(
                "curl",
                [
                    "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: \(host)",
                    "http://127.0.0.1:\(family.httpPort)/",
                ]
            ).out
        }
    }
}
