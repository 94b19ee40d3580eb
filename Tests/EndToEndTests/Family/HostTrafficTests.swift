import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What annotations say of hosts as a whole, through the real processes.
    @Suite("Other names of hosts", .serialized) struct HostTrafficTests {
        private static func ingress(_ name: String, _ annotations: [String: String], secret: String? = nil) -> String {
            let text = annotations.map { "nginx.ingress.kubernetes.io/\($0.key): '\($0.value)'" }.joined(
                separator: ", ")
            return IngressTrafficTests.ingress(
                name, host: "\(name).example.com", service: "web", class: "left", secret: secret
            ).replacingOccurrences(of: "{name: \(name)}", with: "{name: \(name), annotations: {\(text)}}") + "---\n"
        }

        @Test func `the root, other names and www are as the annotations say`() async throws {
            let family = try await Family.start()
            do {
                let server = family.server
                let backend = try await family.backend("one", on: "127.0.67.1")
                defer { backend.program.signal(SIGTERM) }
                let files = try await CertificateFiles("ours", in: server.directory)
                let (certificate, key) = try await files.issue(
                    "wide", dnsName: "wide.example.com,DNS:www.wide.example.com,DNS:alias.example.com")
                try await server.kubectl("create", "secret", "tls", "wide", "--cert", certificate, "--key", key)
                try await family.apply(
                    IngressTrafficTests.classes + IngressTrafficTests.service("web", backend)
                        + Self.ingress("rooted", ["app-root": "/shop/start"])
                        + Self.ingress("named", ["server-alias": "old.example.com, rooted.example.com"])
                        + Self.ingress("www.plain", ["from-to-www-redirect": "true"])
                        + Self.ingress(
                            "wide", ["server-alias": "alias.example.com", "from-to-www-redirect": "true"],
                            secret: "wide"))
                @Sendable func ask(
                    _ host: String, _ path: String = "/a?b=c", _ more: [String] = [], scheme: String = "http"
                ) async throws -> String {
                    let port = scheme == "http" ? family.httpPort : family.httpsPort
                    return try await Program.run(
                        "curl",
                        [
                            "-s", "-o", "/dev/null", "--max-time", "10", "-w", "%{http_code} %{redirect_url}",
                            "--resolve", "\(host):\(port):127.0.0.1",
                        ] + more + ["\(scheme)://\(host):\(port)\(path)"]
                    ).out
                }
                let ports = (family.httpPort, family.httpsPort)
                for (host, path, answer) in [
                    ("rooted.example.com", "/", "302 http://rooted.example.com:\(ports.0)/shop/start"),
                    ("rooted.example.com", "/shop/start", "200 "), ("rooted.example.com", "/other", "200 "),
                    ("old.example.com", "/a?b=c", "200 "),
                    ("plain.example.com", "/a?b=c", "308 http://www.plain.example.com:\(ports.0)/a?b=c"),
                    ("www.plain.example.com", "/a?b=c", "200 "),
                    ("alias.example.com", "/a?b=c", "308 https://alias.example.com:\(ports.1)/a?b=c"),
                    ("www.wide.example.com", "/a?b=c", "308 http://wide.example.com:\(ports.0)/a?b=c"),
                    ("unknown.example.com", "/", "404 "),
                ] {
                    try await eventually(within: .seconds(20), "\(answer) for \(host)\(path)") {
                        try await ask(host, path) == answer
                    }
                    #expect(try await ask(host, path, ["--http2-prior-knowledge"]) == answer, "\(host) by HTTP/2")
                }
                // Each is verified: the certificate is for the name that was asked for.
                for (host, answer) in [
                    ("wide.example.com", "200 "), ("alias.example.com", "200 "),
                    ("www.wide.example.com", "308 https://wide.example.com:\(ports.1)/a?b=c"),
                ] {
                    for version in ["--http1.1", "--http2"] {
                        #expect(
                            try await ask(host, "/a?b=c", ["--cacert", files.authority, version], scheme: "https")
                                == answer,
                            "\(host) \(version)")
                    }
                }
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "named").contains(
                        "server-alias: rooted.example.com is a host of Ingress default/rooted")
                }
                // A host that comes takes its name back.
                try await family.apply(Self.ingress("old", ["temporal-redirect": "https://elsewhere.example.com/"]))
                try await eventually(within: .seconds(20), "the host's own routes") {
                    try await ask("old.example.com") == "302 https://elsewhere.example.com/"
                }
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "named").contains("old.example.com is a host of Ingress default/old")
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
