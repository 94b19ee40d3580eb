import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What the annotations of Ingresses make of requests, through the real processes.
    @Suite("Filters of Ingresses", .serialized) struct FilterTrafficTests {
        private static func ingress(_ name: String, _ annotations: [String: String]) -> String {
            let text = annotations.map { "nginx.ingress.kubernetes.io/\($0.key): '\($0.value)'" }.joined(
                separator: ", ")
            return IngressTrafficTests.ingress(name, host: "\(name).example.com", service: "web", class: "left")
                .replacingOccurrences(of: "{name: \(name)}", with: "{name: \(name), annotations: {\(text)}}")
        }

        @Test func `addresses, redirects, bodies, origins and hosts are as the annotations say`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.59.1")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(IngressTrafficTests.classes + IngressTrafficTests.service("web", backend))
                try await family.apply(
                    [
                        Self.ingress(
                            "guarded",
                            ["whitelist-source-range": "127.0.0.0/24", "denylist-source-range": "127.0.0.7"]),
                        Self.ingress("closed", ["whitelist-source-range": "the office"]),
                        Self.ingress("moved", ["permanent-redirect": "https://new.example.com$request_uri"]),
                        Self.ingress("forced", ["force-ssl-redirect": "true"]),
                        Self.ingress("small", ["proxy-body-size": "1k"]),
                        Self.ingress(
                            "shared",
                            ["enable-cors": "true", "cors-allow-origin": "https://*.example.org", "cors-max-age": "5"]),
                        Self.ingress("limited", ["limit-rpm": "1", "limit-burst-multiplier": "4"]),
                        Self.ingress("inner", ["upstream-vhost": "inner.example.net"]),
                    ].joined(separator: "---\n"))
                @Sendable func ask(
                    _ host: String, _ more: [String] = [], write: String = "%{http_code}"
                ) async throws -> String {
                    try await Program.run(
                        "curl",
                        [
                            "-s", "-o", "/dev/null", "--max-time", "10", "-w", write, "-H", "Host: \(host).example.com",
                        ] + more + ["http://127.0.0.1:\(family.httpPort)/a?b=c"]
                    ).out
                }
                for (host, status) in [
                    ("guarded", "200"), ("closed", "403"), ("moved", "301"), ("forced", "308"), ("small", "200"),
                    ("shared", "200"), ("inner", "200"),
                ] {
                    try await eventually(within: .seconds(20), "\(status) for \(host)") {
                        try await ask(host) == status
                    }
                    #expect(try await ask(host, ["--http2-prior-knowledge"]) == status, "\(host) by HTTP/2")
                }
                var statuses: [String] = []
                for _ in 0..<200 where statuses.last != "200" {
                    statuses.append(try await ask("limited"))
                    if statuses.last != "200" { try await Task.sleep(for: .milliseconds(100)) }
                }
                for _ in 0..<10 { statuses.append(try await ask("limited")) }
                // One a minute and four at once: a second one comes only to who has waited for a minute.
                #expect((5...6).contains(statuses.count { $0 == "200" }) && statuses.last == "503", "\(statuses)")
                #expect(try await ask("guarded", ["--interface", "127.0.0.7"]) == "403")
                #expect(try await ask("guarded", ["--interface", "127.0.1.1"]) == "403")
                #expect(try await ask("guarded", ["--interface", "127.0.0.8"]) == "200")
                #expect(try await ask("moved", write: "%{redirect_url}") == "https://new.example.com/a?b=c")
                #expect(
                    try await ask("forced", write: "%{redirect_url}")
                        == "https://forced.example.com:\(family.httpsPort)/a?b=c")
                #expect(try await ask("small", ["-d", String(repeating: "x", count: 1_024)]) == "200")
                #expect(try await ask("small", ["-d", String(repeating: "x", count: 1_025)]) == "413")
                let preflight = [
                    "-X", "OPTIONS", "-H", "Origin: https://shop.example.org", "-H",
                    "Access-Control-Request-Method: PUT",
                ]
                #expect(
                    try await ask(
                        "shared", preflight,
                        write: "%{http_code} %header{access-control-allow-origin} %header{access-control-max-age}")
                        == "204 https://shop.example.org 5")
                #expect(
                    try await ask(
                        "shared", ["-H", "Origin: https://example.com"], write: "%header{access-control-allow-origin}")
                        == "")
                #expect(try await family.get("inner.example.com")?.contains("inner.example.net") == true)
                let server = family.server
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "closed").contains(
                        "nginx.ingress.kubernetes.io/whitelist-source-range: \"the office\" has")
                }
                let table = try await server.kubectl(
                    "get", "routetable", "guarded", "-o", "jsonpath={.spec.filters.sources}")
                #expect(table == #"{"allow":["127.0.0.0/24"],"deny":["127.0.0.7"]}"#)
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
