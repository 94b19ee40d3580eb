import Foundation
import Glibc
import KubeModel
import Testing

extension EndToEnd {
    /// Ingresses through the real processes.
    @Suite("Traffic through Ingresses", .serialized) struct IngressTrafficTests {
        @Test func `an Ingress that changes its class is handed over`() async throws {
            let family = try await Family.start([
                "--ingress-controller", "martlet.dev/ingress", "--ingress-controller", "partner.example/ingress",
            ])
            do {
                let backend = try await family.backend("one", on: "127.0.24.1")
                defer { backend.program.signal(SIGTERM) }
                let server = family.server
                try await family.apply(Self.classes + Self.service("web", backend))
                try await family.apply(
                    Self.ingress("moving", host: "moving.example.com", service: "web", class: "left"))
                @Sendable func controller() async throws -> String {
                    let output = try await server.tryKubectl(
                        ["get", "routetable", "moving", "-o", "jsonpath={.spec.controllerName}"])
                    return output.out
                }
                try await eventually(within: .seconds(20), "the first owner") {
                    try await controller() == "martlet.dev/ingress"
                }
                try await eventually(within: .seconds(20), "an answer") {
                    try await family.get("moving.example.com") != nil
                }
                try await server.kubectl(
                    "patch", "ingress", "moving", "--type=merge", "-p", #"{"spec":{"ingressClassName":"right"}}"#)
                try await eventually(within: .seconds(20), "the second owner") {
                    try await controller() == "partner.example/ingress"
                }
                #expect(try await family.get("moving.example.com") != nil)
                try await server.kubectl(
                    "patch", "ingress", "moving", "--type=merge", "-p", #"{"spec":{"ingressClassName":"nobodys"}}"#)
                try await eventually(within: .seconds(20), "the table to go") {
                    try await server.tryKubectl(["get", "routetable", "moving"]).err.contains("NotFound")
                }
                try await eventually(within: .seconds(20), "404") { try await family.get("moving.example.com") == nil }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `a certificate is shown by name and changes without a restart`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.25.1")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(Self.classes + Self.service("web", backend))
                try await family.apply(
                    Self.ingress(
                        "secure", host: "secure.example.com", service: "web", class: "left", secret: "secure-tls"))
                for name in ["first", "second"] {
                    let (certificate, key) = try await Self.certificate(name, in: family.server.directory)
                    let secret = try await family.server.kubectl(
                        "create", "secret", "tls", "secure-tls", "--cert", certificate, "--key", key,
                        "--dry-run=client",
                        "-o", "yaml")
                    try await family.apply(secret)
                    try await eventually(within: .seconds(20), "the \(name) certificate") {
                        try await family.curl(
                            "--cacert", certificate, "--resolve", "secure.example.com:\(family.httpsPort):127.0.0.1",
                            "https://secure.example.com:\(family.httpsPort)/")?.hasPrefix("one answers") == true
                    }
                }
                let redirect = try await Program.run(
                    "curl",
                    [
                        "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-H", "Host: secure.example.com",
                        "http://127.0.0.1:\(family.httpPort)/x",
                    ])
                #expect(redirect.out == "308 https://secure.example.com:\(family.httpsPort)/x")
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `a request body is passed on however long it is`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.26.1")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(Self.classes + Self.service("web", backend))
                try await family.apply(Self.ingress("long", host: "long.example.com", service: "web", class: "left"))
                try await eventually(within: .seconds(20), "an answer") {
                    try await family.get("long.example.com") != nil
                }
                let body = family.server.directory.appending(path: "body")
                try Data(repeating: 0x6d, count: 2_500_000).write(to: body)
                let answer = try await family.curl(
                    "-H", "Host: long.example.com", "--data-binary", "@\(body.path)",
                    "http://127.0.0.1:\(family.httpPort)/")
                #expect(answer?.contains("with 2500000 bytes") == true)
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `changes elsewhere fail no request and drop no upgraded connection`() async throws {
            let family = try await Family.start()
            do { try await steadyTraffic(family) } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        private func steadyTraffic(_ family: Family) async throws {
            let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/steady_traffic.py").path
            let backend = try await family.backend("one", on: "127.0.26.1")
            let other = try await family.backend("two", on: "127.0.26.2")
            let upstream = try InteractiveProgram("python3", [script, "upstream"])
            defer {
                backend.program.signal(SIGTERM)
                other.program.signal(SIGTERM)
            }
            let upgradePort = try #require(UInt16(try await upstream.firstLine()))
            let upgrades = Backend(name: "ws", address: "127.0.0.1", port: upgradePort, program: backend.program)
            try await family.apply(
                Self.classes + Self.service("web", backend) + Self.service("ws", upgrades)
                    + Self.service("churn", other))
            try await family.apply(Self.ingress("steady", host: "steady.example.com", service: "web", class: "left"))
            try await family.apply(Self.ingress("ws", host: "ws.example.com", service: "ws", class: "left"))
            for host in ["steady.example.com", "ws.example.com"] {
                try await eventually(within: .seconds(20), host) { try await family.get(host) != nil }
            }

            let client = try InteractiveProgram(
                "python3", [script, "client", "\(family.httpPort)", "steady.example.com", "ws.example.com"])
            #expect(try await client.firstLine() == "running")
            for round in 0..<12 {
                try await family.apply(
                    Self.ingress("churn", host: "churn\(round % 3).example.com", service: "churn", class: "left"))
                try await family.apply(Self.service("churn", round % 2 == 0 ? backend : other))
                if round % 4 == 3 { try await family.server.kubectl("delete", "ingress", "churn") }
            }
            let seen = try JSONParser.parse(Array(try await client.finish().utf8))
            _ = try await upstream.finish()
            #expect(seen["failed"]?.int == 0, "\(seen)")
            #expect(try #require(seen["answers"]?.int) > 100)
            #expect(try #require(seen["echoes"]?.int) > 10)
        }

        // MARK: Manifests

        static let classes = """
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: left}
            spec: {controller: martlet.dev/ingress}
            ---
            apiVersion: networking.k8s.io/v1
            kind: IngressClass
            metadata: {name: right}
            spec: {controller: partner.example/ingress}
            ---

            """

        static func service(_ name: String, _ backend: Backend) -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec: {ports: [{name: http, port: 80}]}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: \(name)-1, labels: {kubernetes.io/service-name: \(name)}}
            addressType: IPv4
            ports: [{name: http, port: \(backend.port)}]
            endpoints: [{addresses: ["\(backend.address)"]}]
            ---

            """
        }

        static func ingress(
            _ name: String, host: String, service: String, class className: String, secret: String? = nil
        ) -> String {
            """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: \(name)}
            spec:
              ingressClassName: \(className)
              tls: \(secret.map { "[{hosts: [\(host)], secretName: \($0)}]" } ?? "[]")
              rules:
              - host: \(host)
                http:
                  paths:
                  - {path: /, pathType: Prefix, backend: {service: {name: \(service), port: {name: http}}}}

            """
        }

        /// A self-signed certificate for secure.example.com with its key, as files.
        static func certificate(_ name: String, in directory: URL) async throws -> (String, String) {
            let certificate = directory.appending(path: "\(name).crt").path
            let key = directory.appending(path: "\(name).key").path
            let output = try await Program.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:secure.example.com", "-keyout", key, "-out",
                    certificate,
                ])
            try #require(output.succeeded, "\(output)")
            return (certificate, key)
        }
    }
}
