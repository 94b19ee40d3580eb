import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Whom the L7 proxy believes over TLS, through the real processes.
    @Suite("Trust in TLS of Ingresses", .serialized) struct TLSTrafficTests {
        /// A Service whose one endpoint is at an address and port of the loopback.
        private static func service(_ name: String, _ address: String, _ port: UInt16, spoken: String) -> String {
            """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec: {ports: [{name: http, port: 443, appProtocol: \(spoken)}]}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: \(name)-1, labels: {kubernetes.io/service-name: \(name)}}
            addressType: IPv4
            ports: [{name: http, port: \(port), appProtocol: \(spoken)}]
            endpoints: [{addresses: ["\(address)"]}]
            ---

            """
        }

        private static func ingress(
            _ name: String, _ annotations: [String: String], service: String = "web", secret: String? = nil
        ) -> String {
            let text = annotations.map { "nginx.ingress.kubernetes.io/\($0.key): '\($0.value)'" }.joined(
                separator: ", ")
            return IngressTrafficTests.ingress(
                name, host: "\(name).example.com", service: service, class: "left", secret: secret
            ).replacingOccurrences(of: "{name: \(name)}", with: "{name: \(name), annotations: {\(text)}}") + "---\n"
        }

        private static func nginx(_ port: UInt16, _ files: CertificateFiles, _ directives: String) async throws
            -> Program
        {
            let (certificate, key) = try await files.issue("backend", dnsName: "backend.example")
            let path = files.directory.appending(path: "nginx")
            try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
            let configuration = path.appending(path: "nginx.conf")
            try Data(
                """
                daemon off; master_process off; pid \(path.path)/pid; error_log stderr;
                events {}
                http {
                    access_log off;
                    client_body_temp_path \(path.path); proxy_temp_path \(path.path); fastcgi_temp_path \(path.path);
                    uwsgi_temp_path \(path.path); scgi_temp_path \(path.path);
                    server {
                        listen 127.0.59.1:\(port) ssl;
                        ssl_certificate \(certificate);
                        ssl_certificate_key \(key);
                        ssl_client_certificate \(files.authority);
                        \(directives)
                    }
                }
                """.utf8
            ).write(to: configuration)
            return try Program("/usr/sbin/nginx", ["-p", path.path, "-c", configuration.path, "-e", "stderr"])
        }

        private static func status(_ host: String, _ family: Family) async throws -> String {
            try await Program.run(
                "curl",
                [
                    "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", "-H",
                    "Host: \(host).example.com",
                    "http://127.0.0.1:\(family.httpPort)/",
                ]
            ).out
        }

        /// A request by HTTPS: status, and the body's first line.
        private static func ask(
            _ host: String, _ family: Family, _ more: [String] = []
        ) async throws -> (status: String, body: String) {
            let output = try await Program.run(
                "curl",
                [
                    "-s", "-k", "-w", "\n%{http_code}", "--max-time", "10", "--resolve",
                    "\(host).example.com:\(family.httpsPort):127.0.0.1",
                ] + more + ["https://\(host).example.com:\(family.httpsPort)/"])
            let lines = output.out.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            return (lines.last ?? "", lines.dropLast().joined(separator: "\n"))
        }

        @Test
        func `clients show certificates where annotations say so, and nobody is let in where they cannot be verified`()
            async throws
        {
            let family = try await Family.start()
            do {
                let server = family.server
                let files = try await CertificateFiles("ours", in: server.directory)
                let stranger = try await CertificateFiles("theirs", in: server.directory)
                let backend = try await family.backend("one", on: "127.0.59.2")
                defer { backend.program.signal(SIGTERM) }
                try await server.kubectl(
                    "create", "secret", "generic", "clients", "--from-file=ca.crt=\(files.authority)")
                try await server.kubectl("create", "secret", "generic", "broken", "--from-literal=ca.crt=nonsense")
                let wanted = ["auth-tls-secret": "default/clients"]
                func with(_ more: [String: String]) -> [String: String] { wanted.merging(more) { $1 } }
                try await family.apply(
                    IngressTrafficTests.classes
                        + Self.service("web", "127.0.59.2", backend.port, spoken: "http")
                        + Self.ingress("open", [:]) + Self.ingress("guarded", wanted)
                        + Self.ingress("optional", with(["auth-tls-verify-client": "optional"]))
                        + Self.ingress("matched", with(["auth-tls-match-cn": "CN=two"]))
                        + Self.ingress("sent", with(["auth-tls-error-page": "https://help.example/"]))
                        + Self.ingress("broken", ["auth-tls-secret": "default/broken"])
                        + Self.ingress("missing", ["auth-tls-secret": "default/missing"])
                        + Self.ingress("nothing", ["auth-tls-verify-client": "on"]))
                let (certificate, key) = try await files.issue("one")
                let identity = ["--cert", certificate, "--key", key]
                let (strange, strangeKey) = try await stranger.issue("one")
                try await eventually(within: .seconds(30), "one who shows a certificate") {
                    try await Self.ask("guarded", family, identity).status == "200"
                }
                for (name, words, status) in [
                    ("open", [], "200"), ("guarded", [], "400"),
                    ("guarded", ["--cert", strange, "--key", strangeKey], "400"),
                    ("guarded", identity + ["--http1.1"], "200"),
                    ("optional", [], "200"), ("optional", identity, "200"), ("matched", identity, "403"),
                    ("sent", [], "302"), ("broken", identity, "503"), ("missing", identity, "503"),
                    ("nothing", identity, "503"),
                ] {
                    try await eventually(within: .seconds(20), "\(status) for \(name)") {
                        try await Self.ask(name, family, words).status == status
                    }
                }
                #expect(try await Self.status("guarded", family) == "308")
                for (name, text) in [
                    ("broken", "Secret broken: ca.crt: no certificate in the PEM text"),
                    ("missing", "Secret missing: it does not exist"), ("nothing", "there is no auth-tls-secret"),
                ] {
                    try await eventually(within: .seconds(20), "the Event about \(name)") {
                        try await server.events(about: name).contains(text)
                    }
                }
                #expect(try await server.events(about: "guarded") == "")
                // Other authorities, and who was let in is not any more.
                let other = try Data(contentsOf: URL(fileURLWithPath: stranger.authority)).base64EncodedString()
                try await server.kubectl(
                    "patch", "secret", "clients", "--type=merge", "-p", "{\"data\":{\"ca.crt\":\"\(other)\"}}")
                try await eventually(within: .seconds(20), "the change") {
                    try await Self.ask("guarded", family, identity).status == "400"
                }
                #expect(
                    try await Self.ask("guarded", family, ["--cert", strange, "--key", strangeKey]).status == "200")
                try await server.kubectl("delete", "secret", "clients")
                try await eventually(within: .seconds(20), "the end of it") {
                    try await Self.ask("guarded", family, ["--cert", strange, "--key", strangeKey]).status == "503"
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `nginx as a backend is verified as annotations say, and gets nothing where it cannot be`()
            async throws
        {
            let family = try await Family.start()
            do {
                let server = family.server
                let files = try await CertificateFiles("ours", in: server.directory)
                let stranger = try await CertificateFiles("theirs", in: server.directory)
                let port = try Family.freePorts(1)[0]
                let nginx = try await Self.nginx(
                    port, files,
                    "ssl_verify_client on; location / { return 200 \"$ssl_client_s_dn $ssl_server_name\"; }")
                defer { nginx.signal(SIGTERM) }
                let (certificate, key) = try await files.issue("proxy")
                try await server.kubectl(
                    "create", "secret", "generic", "backend", "--from-file=ca.crt=\(files.authority)",
                    "--from-file=tls.crt=\(certificate)", "--from-file=tls.key=\(key)")
                try await server.kubectl(
                    "create", "secret", "generic", "strange", "--from-file=ca.crt=\(stranger.authority)",
                    "--from-file=tls.crt=\(certificate)", "--from-file=tls.key=\(key)")
                try await server.kubectl("create", "secret", "generic", "broken", "--from-literal=ca.crt=nonsense")
                let verified = ["proxy-ssl-verify": "on", "proxy-ssl-name": "backend.example"]
                func with(_ more: [String: String]) -> [String: String] { verified.merging(more) { $1 } }
                try await family.apply(
                    IngressTrafficTests.classes + Self.service("web", "127.0.59.1", port, spoken: "https")
                        + Self.service("plain", "127.0.59.1", port, spoken: "http")
                        + Self.ingress(
                            "good", with(["proxy-ssl-secret": "default/backend", "proxy-ssl-server-name": "on"]))
                        + Self.ingress("strange", with(["proxy-ssl-secret": "default/strange"]))
                        + Self.ingress(
                            "misnamed", with(["proxy-ssl-secret": "default/backend", "proxy-ssl-name": "x.example"]))
                        + Self.ingress("broken", with(["proxy-ssl-secret": "default/broken"]))
                        + Self.ingress("missing", with(["proxy-ssl-secret": "default/missing"]))
                        + Self.ingress("foreign", with(["proxy-ssl-secret": "kube-system/backend"]))
                        + Self.ingress("clear", with(["proxy-ssl-secret": "default/backend"]), service: "plain"))
                try await eventually(within: .seconds(30), "nginx through the proxy") {
                    try await family.get("good.example.com") == "CN=proxy,O=Tests backend.example"
                }
                for (name, status) in [
                    ("strange", "502"), ("misnamed", "502"), ("broken", "502"), ("missing", "503"), ("foreign", "503"),
                    ("clear", "503"),
                ] {
                    try await eventually(within: .seconds(20), "\(status) for \(name)") {
                        try await Self.status(name, family) == status
                    }
                }
                for (name, text) in [
                    ("broken", "Secret broken: ca.crt: no certificate in the PEM text"),
                    ("missing", "Secret missing: it does not exist"), ("foreign", "is in another namespace"),
                    ("clear", "Service plain is not spoken to over TLS"),
                ] {
                    try await eventually(within: .seconds(20), "the Event about \(name)") {
                        try await server.events(about: name).contains(text)
                    }
                }
                #expect(try await server.events(about: "good") == "")
                // The Secret comes, changes and goes while the proxy runs.
                try await server.kubectl(
                    "create", "secret", "generic", "missing", "--from-file=ca.crt=\(files.authority)",
                    "--from-file=tls.crt=\(certificate)", "--from-file=tls.key=\(key)")
                try await eventually(within: .seconds(20), "the Secret") {
                    try await family.get("missing.example.com") != nil
                }
                let other = try Data(contentsOf: URL(fileURLWithPath: stranger.authority)).base64EncodedString()
                try await server.kubectl(
                    "patch", "secret", "missing", "--type=merge", "-p", "{\"data\":{\"ca.crt\":\"\(other)\"}}")
                try await eventually(within: .seconds(20), "the change") {
                    try await Self.status("missing", family) == "502"
                }
                try await server.kubectl("delete", "secret", "missing")
                try await eventually(within: .seconds(20), "the end of it") {
                    try await Self.status("missing", family) == "503"
                }
                #expect(try await family.get("good.example.com") != nil)
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `TLS that is passed through ends in the backend, for whom the host belongs to`() async throws {
            let family = try await Family.start()
            do {
                let server = family.server
                let files = try await CertificateFiles("ours", in: server.directory)
                let port = try Family.freePorts(1)[0]
                let nginx = try await Self.nginx(
                    port, files, "ssl_verify_client optional; location / { return 200 \"$ssl_client_s_dn $host\"; }")
                defer { nginx.signal(SIGTERM) }
                let (certificate, key) = try await files.issue("one")
                let through = ["ssl-passthrough": "true"]
                func with(_ more: [String: String]) -> [String: String] { through.merging(more) { $1 } }
                try await family.apply(
                    IngressTrafficTests.classes + Self.service("web", "127.0.59.1", port, spoken: "https")
                        + Self.ingress("through", through) + Self.ingress("ended", [:])
                        + Self.ingress("closed", with(["whitelist-source-range": "192.0.2.0/24"]))
                        + Self.ingress("guarded", with(["auth-tls-secret": "default/missing"])))
                // The client's own certificate reaches nginx, and nginx' the client.
                try await eventually(within: .seconds(30), "nginx at the other end") {
                    try await Self.ask("through", family, ["--cert", certificate, "--key", key]).body
                        == "CN=one,O=Tests through.example.com"
                }
                #expect(try await Self.ask("ended", family, ["--cert", certificate, "--key", key]).body.hasPrefix(" "))
                #expect(try await Self.status("through", family) == "308")
                for name in ["closed", "guarded"] {
                    try await eventually(within: .seconds(20), "nothing for \(name)") {
                        try await Self.ask(name, family).status == "000"
                    }
                }
                try await eventually(within: .seconds(20), "the Event about both") {
                    try await server.events(about: "guarded").contains("not asked for certificates here")
                }
                #expect(try await server.events(about: "through") == "")
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
