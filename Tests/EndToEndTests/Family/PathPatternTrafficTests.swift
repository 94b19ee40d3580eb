import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Ingresses with regular expressions and rewrites through the real processes.
    @Suite("Regular expressions and rewrites of Ingresses", .serialized) struct PathPatternTrafficTests {
        private static func ingress(
            _ name: String, host: String, _ annotations: [String: String],
            _ paths: [(path: String, type: String, service: String)]
        ) -> String {
            let text = annotations.map { "nginx.ingress.kubernetes.io/\($0.key): '\($0.value)'" }
                .joined(separator: ", ")
            let lines = paths.map { path in
                "      - {path: '\(path.path)', pathType: \(path.type), "
                    + "backend: {service: {name: \(path.service), port: {name: http}}}}\n"
            }
            return """
                apiVersion: networking.k8s.io/v1
                kind: Ingress
                metadata: {name: \(name), annotations: {\(text)}}
                spec:
                  ingressClassName: left
                  rules:
                  - host: \(host)
                    http:
                      paths:
                \(lines.joined())---

                """
        }

        @Test func `they go where ingress-nginx sends them, quirks are told, and what is no pattern answers 503`()
            async throws
        {
            let family = try await Family.start()
            do {
                let one = try await family.backend("one", on: "127.0.62.1")
                let two = try await family.backend("two", on: "127.0.62.2")
                defer { for backend in [one, two] { backend.program.signal(SIGTERM) } }
                try await family.apply(
                    IngressTrafficTests.classes + IngressTrafficTests.service("one", one)
                        + IngressTrafficTests.service("two", two))
                try await family.apply(
                    Self.ingress("plain", host: "shop.example.com", [:], [("/cart", "Prefix", "two")]))
                let server = family.server
                @Sendable func answer(_ target: String) async throws -> String {
                    let output = try await Program.run(
                        "curl",
                        [
                            "-s", "--max-time", "10", "--path-as-is", "-w", " %{http_code}", "-H",
                            "Host: shop.example.com", "http://127.0.0.1:\(family.httpPort)\(target)",
                        ])
                    let text = output.out.replacingOccurrences(of: "\n", with: " ")
                    let words = text.split(separator: " ")
                    guard words.last == "200" else { return words.last.map(String.init) ?? "" }
                    return words.first.map(String.init).map { "\($0) \(words.count > 3 ? words[3] : "")" } ?? ""
                }
                try await eventually(within: .seconds(20), "the plain route") {
                    try await answer("/cart/x") == "two shop.example.com/cart/x"
                }
                #expect(try await answer("/CARTS") == "404")
                try await family.apply(
                    Self.ingress(
                        "rewriting", host: "shop.example.com", ["rewrite-target": "/$2"],
                        [
                            ("/api(/|$)(.*)", "ImplementationSpecific", "one"),
                            ("/broken(?!x)", "ImplementationSpecific", "one"),
                        ]))
                try await eventually(within: .seconds(20), "the rewrite") {
                    try await answer("/API/v1/%20x?y=1") == "one shop.example.com/v1/%20x?y=1"
                }
                #expect(try await answer("/api") == "one shop.example.com/")
                #expect(try await answer("/broken/y") == "503")
                // The whole host is of regular expressions now.
                #expect(try await answer("/CARTS") == "two shop.example.com/CARTS")
                try await eventually(within: .seconds(20), "the Events") {
                    let told = try await server.events(about: "plain")
                    let broken = try await server.events(about: "rewriting")
                    return told.contains("PathsArePatterns") && told.contains("Ingress default/rewriting")
                        && broken.contains("InvalidPath shop.example.com/broken(?!x) has a look ahead")
                }
                let accepted = try await server.kubectl(
                    "get", "routetable", "rewriting", "-o",
                    #"jsonpath={.status.conditions[?(@.type=="Accepted")].reason}"#)
                #expect(accepted == "InvalidPath")
                // And no longer when that Ingress has gone.
                try await server.kubectl("delete", "ingress", "rewriting")
                try await eventually(within: .seconds(20), "the plain route again") {
                    try await answer("/CARTS") == "404"
                }
                #expect(try await answer("/cart") == "two shop.example.com/cart")
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
