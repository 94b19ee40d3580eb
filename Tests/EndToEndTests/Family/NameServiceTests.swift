import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// DNS of a running family, asked by `dig`.
    @Suite("Names, asked by dig", .serialized, .enabled(if: Program.find("dig") != nil, "dig is not installed"))
    struct NameServiceTests {
        /// Answers as `dig +short` prints them.
        private static func dig(_ server: String, port: Int, _ arguments: String...) async throws -> String {
            try await Program.run(
                "dig", ["@\(server)", "-p", "\(port)", "+short", "+time=2", "+tries=2"] + arguments
            ).out.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private static func withServer(
            _ arguments: [String], _ body: (MartletServer, Int) async throws -> Void
        ) async throws {
            let port = try ExampleShop.freePort()
            let server = try await MartletServer.start(
                ["up", "--http-port", "0", "--https-port", "0", "--dns-port", "\(port)", "--local-only"] + arguments)
            do { try await body(server, port) } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }

        @Test func `a Corefile in the cluster is followed, and its lines are told about`() async throws {
            let log = FileManager.default.temporaryDirectory.appending(path: "queries-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: log) }
            try await Self.withServer(["--dns-log", log]) { server, port in
                try await server.kubectl("apply", "-f", "-", input: Self.corefile(ttl: "30", rest: ""))
                try await eventually(within: .seconds(20), "the TTL of the Corefile") {
                    try await Program.run(
                        "dig",
                        [
                            "@127.0.0.1", "-p", "\(port)", "+noall", "+answer",
                            "kubernetes.default.svc.cluster.local",
                        ]
                    ).out.contains(#/\s30\s+IN\s+A\s+127\.96\.0\.1/#)
                }
                #expect(try await Self.dig("127.0.0.1", port: port, "vm7.example") == "10.1.2.7")
                #expect(try await Self.dig("127.0.0.1", port: port, "-x", "10.1.2.7") == "vm7.example.")
                #expect(try await Self.dig("127.0.0.1", port: port, "+tcp", "api.example") == "127.96.0.1")
                #expect(try await Self.dig("127.0.0.1", port: port, "added.example") == "10.9.9.9")
                try await eventually(within: .seconds(20), "the Event about a line") {
                    try await Self.events(server) == ["CorefileLineIgnored line 9: there is no plugin autopath here"]
                }

                let dump = try await Program.run(
                    server.binary, ["dns", "dump", "--kubeconfig", server.file("admin.kubeconfig")])
                #expect(dump.out.contains("kubernetes.default.svc.cluster.local. 30 IN A 127.96.0.1\n"), "\(dump)")
                #expect(dump.out.contains("; hosts in .: vm7.example. 3600 IN A 10.1.2.7\n"))

                // Lines that cannot be meant are passed over, one by one; a guard among them closes.
                let bad = "forward . nowhere\n        acl secret.example {\n            forbid\n        }"
                try await server.kubectl("apply", "-f", "-", input: Self.corefile(ttl: "99999", rest: bad))
                try await eventually(within: .seconds(20), "the Events about bad lines") {
                    let events = try await Self.events(server)
                    return events.filter { $0.hasPrefix("CorefileLineIgnored") }.count == 3
                        && events.filter { $0.hasPrefix("CorefileLineClosed") }.count == 1
                }
                #expect(try await Self.dig("127.0.0.1", port: port, "vm7.example") == "10.1.2.7")
                let refused = try await Program.run("dig", ["@127.0.0.1", "-p", "\(port)", "a.secret.example"])
                #expect(refused.out.contains("REFUSED"))

                // What is no Corefile at all changes nothing.
                try await server.kubectl("apply", "-f", "-", input: Self.corefile(ttl: "30", rest: "}"))
                try await eventually(within: .seconds(20), "the Event about the Corefile") {
                    try await Self.events(server).contains { $0.hasPrefix("CorefileInvalid") }
                }
                #expect(try await Self.dig("127.0.0.1", port: port, "vm7.example") == "10.1.2.7")

                // Without it everything is as the flags say.
                try await server.kubectl("delete", "configmap", "coredns", "-n", "kube-system")
                try await eventually(within: .seconds(20), "the end of the Corefile") {
                    try await Self.dig("127.0.0.1", port: port, "vm7.example").isEmpty
                }
                try await eventually(within: .seconds(20), "the log of queries") {
                    try String(contentsOfFile: log, encoding: .utf8).contains(
                        #/127\.0\.0\.1:\d+ - \d+ "A IN api\.example\. tcp \d+ \w+ \d+" NOERROR qr,aa,rd/#)
                }
            }
        }

        private static func events(_ server: MartletServer) async throws -> [String] {
            let text = try await server.kubectl(
                "get", "events", "-n", "kube-system", "--field-selector", "involvedObject.name=coredns", "-o",
                #"jsonpath={range .items[*]}{.reason} {.message}{"\n"}{end}"#)
            return text.split(separator: "\n").map(String.init).sorted()
        }

        private static func corefile(ttl: String, rest: String) -> String {
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: coredns, namespace: kube-system}
            data:
              NodeHosts: "10.1.2.7 vm7.example"
              Corefile: |
                .:53 {
                    errors
                    kubernetes cluster.local in-addr.arpa {
                        ttl \(ttl)
                    }
                    hosts /etc/coredns/NodeHosts {
                        fallthrough
                    }
                    autopath @kubernetes
                    rewrite name api.example kubernetes.default.svc.cluster.local
                    import /etc/coredns/custom/*.override
                    \(rest)
                }
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: coredns-custom, namespace: kube-system}
            data:
              more.override: |
                hosts {
                    10.9.9.9 added.example
                    fallthrough
                }

            """
        }

        @Test(.enabled(if: Program.find("unbound") != nil, "unbound is not installed"))
        func `unbound is asked over TLS, by the name in its certificate and by no other`() async throws {
            let folder = FileManager.default.temporaryDirectory.appending(path: "dot-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let made = try await Program.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=dns.example",
                    "-addext",
                    "subjectAltName=DNS:dns.example", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/ca.crt",
                ])
            try #require(made.succeeded, "\(made)")
            let upstream = try ExampleShop.freePort()
            try """
            server:
              interface: 127.0.0.1@\(upstream)
              tls-port: \(upstream)
              tls-service-key: "\(folder)/key.pem"
              tls-service-pem: "\(folder)/ca.crt"
              username: ""
              chroot: ""
              directory: "\(folder)"
              pidfile: ""
              use-syslog: no
              local-data: "one.example. 60 A 192.0.2.71"
              local-data: "two.example. 60 A 192.0.2.72"
            remote-control:
              control-enable: no

            """.write(toFile: "\(folder)/unbound.conf", atomically: false, encoding: .utf8)
            let unbound = try Program("unbound", ["-d", "-c", "\(folder)/unbound.conf"])
            do {
                try await Self.withServer([]) { server, port in
                    for (name, question, answer) in [
                        ("dns.example", "one.example", "192.0.2.71"), ("other.example", "two.example", ""),
                    ] {
                        try """
                        . {
                            kubernetes cluster.local {
                                ttl \(name == "dns.example" ? 11 : 12)
                            }
                            forward . tls://127.0.0.1:\(upstream) {
                                tls_servername \(name)
                                tls /etc/coredns/ca.crt
                            }
                        }
                        """.write(toFile: "\(folder)/Corefile", atomically: false, encoding: .utf8)
                        let map = try await server.kubectl(
                            "create", "configmap", "coredns", "-n", "kube-system", "--dry-run=client", "-o", "yaml",
                            "--from-file=\(folder)/Corefile", "--from-file=\(folder)/ca.crt")
                        try await server.kubectl("apply", "-f", "-", input: map)
                        try await eventually(within: .seconds(20), "the Corefile") {
                            try await Program.run(
                                "dig",
                                [
                                    "@127.0.0.1", "-p", "\(port)", "+noall", "+answer",
                                    "kubernetes.default.svc.cluster.local",
                                ]
                            ).out.contains(name == "dns.example" ? #/\s11\s+IN/# : #/\s12\s+IN/#)
                        }
                        #expect(try await Self.dig("127.0.0.1", port: port, question) == answer)
                    }
                }
            } catch {
                await unbound.stop()
                throw error
            }
            await unbound.stop()
        }

        @Test func `this machine is wired to the server, anew after kill -9, and as before at the end`() async throws {
            let root = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: root) }
            try FileManager.default.createDirectory(atPath: "\(root)/run", withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: "\(root)/usr/bin", withIntermediateDirectories: true)
            try "#!/bin/sh\necho \"$@\" >> \(root)/told\n".write(
                toFile: "\(root)/usr/bin/systemctl", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: "\(root)/usr/bin/systemctl")
            let file = "\(root)/run/systemd/resolved.conf.d/zz-martlet.conf"
            /// The process that wrote the file; nil while there is none.
            @Sendable func writer() throws -> pid_t? {
                guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
                return text.firstMatch(of: #/martlet (\d+)@/#).flatMap { pid_t($0.output.1) }
            }
            try await Self.withServer(
                ["--dns-host-resolver", "systemd-resolved", "--dns-host-root", root]
            ) { _, port in
                try await eventually(within: .seconds(20), "the drop-in") { try writer() != nil }
                #expect(
                    try String(contentsOfFile: file, encoding: .utf8).hasSuffix(
                        "DNS=127.0.0.1:\(port)\nDomains=~cluster.local\n"))
                let first = try #require(try writer())
                kill(first, SIGKILL)
                try await eventually(within: .seconds(30), "the drop-in of the next process") {
                    try writer().map { $0 != first } ?? false
                }
            }
            #expect(try writer() == nil)
            let told = try String(contentsOfFile: "\(root)/told", encoding: .utf8)
            #expect(told.split(separator: "\n").count == 4, "wired, healed, wired, taken back: \(told)")
        }

        @Test(.enabled(if: geteuid() == 0, "an ordinary user cannot serve port 53"))
        func `the cluster's address for DNS answers on port 53`() async throws {
            try await Self.withServer([]) { server, _ in
                try await eventually(within: .seconds(20), "an endpoint of kube-dns") {
                    try await !server.kubectl(
                        "get", "endpointslices", "-n", "kube-system", "-l", "kubernetes.io/service-name=kube-dns", "-o",
                        "jsonpath={.items[*].endpoints[*].addresses[*]}"
                    ).isEmpty
                }
                let address = try await server.kubectl(
                    "get", "service", "kube-dns", "-n", "kube-system", "-o", "jsonpath={.spec.clusterIP}")
                #expect(address == "127.96.0.10")
                for transport in ["+notcp", "+tcp"] {
                    try await eventually(within: .seconds(20), "an answer of \(address) (\(transport))") {
                        try await Self.dig(
                            address, port: 53, transport, "kube-dns.kube-system.svc.cluster.local") == address
                    }
                }
                // glibc, as a Pod has it configured: names with fewer than five dots are looked for along the path first.
                let configuration = server.file("resolv.conf")
                try """
                nameserver \(address)
                search default.svc.cluster.local svc.cluster.local cluster.local
                options ndots:5
                """.write(toFile: configuration, atomically: false, encoding: .utf8)
                for name in ["kubernetes", "kubernetes.default", "kubernetes.default.svc.cluster.local"] {
                    let found = try await Program.run(
                        "unshare",
                        [
                            "-m", "sh", "-c",
                            "mount --bind \(configuration) /etc/resolv.conf && exec getent ahostsv4 \(name)",
                        ])
                    #expect(found.out.hasPrefix("127.96.0.1 "), "\(name): \(found)")
                }
                let page = try await Program.run("curl", ["-sf", "http://\(address):9153/metrics"])
                #expect(page.out.contains("coredns_dns_requests_total"))
                #expect(page.out.contains("coredns_hosts_entries"))
                #expect(
                    page.out.contains(
                        #/coredns_plugin_enabled\{server="dns:[^"]*",zone="\.",view="",name="kubernetes"\} 1/#))
                #expect(
                    page.out.contains(
                        #/coredns_kubernetes_rest_client_requests_total\{code="200",host="[^"]+",method="GET"\}/#))
                #expect(
                    try await Program.run("curl", ["-sf", "http://\(address):9153/ready"]).succeeded)
            }
        }
    }
}
