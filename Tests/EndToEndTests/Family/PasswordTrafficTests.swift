import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Names and passwords in front of Ingresses, through the real processes; files as Apache's htpasswd and openssl write them.
    @Suite("Passwords in front of Ingresses", .serialized) struct PasswordTrafficTests {
        private static func ingress(_ name: String, _ annotations: [String: String]) -> String {
            let text = annotations.map { "nginx.ingress.kubernetes.io/\($0.key): '\($0.value)'" }.joined(
                separator: ", ")
            return IngressTrafficTests.ingress(name, host: "\(name).example.com", service: "web", class: "left")
                .replacingOccurrences(of: "{name: \(name)}", with: "{name: \(name), annotations: {\(text)}}") + "---\n"
        }

        private static func htpasswd(_ user: String, _ flags: String...) async throws -> String {
            let output = try await Program.run("htpasswd", ["-nb"] + flags + [user, "secret"])
            try #require(output.succeeded, "\(output)")
            return output.out.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private static func openssl(_ user: String, _ flag: String) async throws -> String {
            let output = try await Program.run("openssl", ["passwd", flag, "secret"])
            try #require(output.succeeded, "\(output)")
            return "\(user):\(output.out.trimmingCharacters(in: .whitespacesAndNewlines))"
        }

        @Test func `who knows a password comes in, by HTTP/1.1 and HTTP/2, and nobody where there is none to know`()
            async throws
        {
            let family = try await Family.start()
            do {
                let server = family.server
                let backend = try await family.backend("one", on: "127.0.67.2")
                defer { backend.program.signal(SIGTERM) }
                var lines = [
                    try await Self.htpasswd("bcrypt", "-B"), try await Self.htpasswd("apr1", "-m"),
                    try await Self.htpasswd("sha", "-s"),
                ]
                for (user, flag) in [("sha256", "-5"), ("sha512", "-6"), ("md5", "-1")] {
                    lines.append(try await Self.openssl(user, flag))
                }
                let users = lines.map { String($0.prefix { $0 != ":" }) }
                let file = server.directory.appending(path: "htpasswd")
                try Data((lines + ["des:rqXexS6ZhobKA"]).joined(separator: "\n").utf8).write(to: file)
                try await server.kubectl("create", "secret", "generic", "users", "--from-file=auth=\(file.path)")
                let map = String(lines[0].drop { $0 != ":" }.dropFirst())
                try await server.kubectl("create", "secret", "generic", "map", "--from-literal=ann=\(map)")
                try await server.kubectl("create", "secret", "generic", "broken", "--from-literal=auth=nonsense")
                let basic = ["auth-type": "basic", "auth-secret": "users"]
                func with(_ more: [String: String]) -> [String: String] { basic.merging(more) { $1 } }
                try await family.apply(
                    IngressTrafficTests.classes + IngressTrafficTests.service("web", backend)
                        + Self.ingress("open", [:]) + Self.ingress("file", with(["auth-realm": "the \"inner\" room"]))
                        + Self.ingress("map", with(["auth-secret": "default/map", "auth-secret-type": "auth-map"]))
                        + Self.ingress("either", with(["satisfy": "any", "whitelist-source-range": "127.0.0.7"]))
                        + Self.ingress("both", with(["whitelist-source-range": "127.0.0.7"]))
                        + Self.ingress("broken", with(["auth-secret": "broken"]))
                        + Self.ingress("missing", with(["auth-secret": "missing"]))
                        + Self.ingress("digest", with(["auth-type": "digest"]))
                        + Self.ingress("foreign", with(["auth-secret": "kube-system/users"])))
                @Sendable func ask(
                    _ host: String, _ more: [String] = [], write: String = "%{http_code}"
                ) async throws -> String {
                    try await Program.run(
                        "curl",
                        [
                            "-s", "-o", "/dev/null", "--max-time", "15", "-w", write, "-H", "Host: \(host).example.com",
                        ] + more + ["http://127.0.0.1:\(family.httpPort)/"]
                    ).out
                }
                for (host, status) in [
                    ("open", "200"), ("file", "401"), ("map", "401"), ("either", "401"), ("both", "403"),
                    ("broken", "503"), ("missing", "503"), ("digest", "503"), ("foreign", "503"),
                ] {
                    try await eventually(within: .seconds(30), "\(status) for \(host)") {
                        try await ask(host) == status
                    }
                    #expect(try await ask(host, ["--http2-prior-knowledge"]) == status, "\(host) by HTTP/2")
                }
                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    for user in users {
                        #expect(try await ask("file", ["-u", "\(user):secret", version]) == "200", "\(user)")
                        #expect(try await ask("file", ["-u", "\(user):wrong", version]) == "401", "\(user)")
                    }
                    #expect(try await ask("file", ["-u", "des:secret", version]) == "401")
                    #expect(try await ask("map", ["-u", "ann:secret", version]) == "200")
                    #expect(try await ask("map", ["-u", "bcrypt:secret", version]) == "401")
                    #expect(
                        try await ask("file", [version], write: "%header{www-authenticate}")
                            == #"Basic realm="the \"inner\" room""#)
                    for host in ["broken", "missing", "digest", "foreign"] {
                        #expect(try await ask(host, ["-u", "bcrypt:secret", version]) == "503", "\(host)")
                    }
                }
                let allowed = ["--interface", "127.0.0.7"]
                let password = ["-u", "sha:secret"]
                #expect(try await ask("either", password) == "200")
                #expect(try await ask("either", allowed) == "200")
                #expect(try await ask("both", password) == "403")
                #expect(try await ask("both", allowed) == "401")
                #expect(try await ask("both", allowed + password) == "200")
                let seen = try await family.curl(
                    "-u", "sha:secret", "-H", "Host: file.example.com", "http://127.0.0.1:\(family.httpPort)/")
                #expect(seen?.contains("one answers") == true && seen?.lowercased().contains("authorization") == false)

                for (name, words) in [
                    ("file", "Secret users: the password of line 7 is DES"),
                    ("broken", "Secret broken: nobody in it can come in"),
                    ("missing", "Secret missing: it does not exist"), ("digest", "auth-type: digest is not there"),
                    ("foreign", "is in another namespace than the Ingress"),
                ] {
                    try await eventually(within: .seconds(20), "the Event of \(name)") {
                        try await server.events(about: name).contains(words)
                    }
                }
                // The Secret's changes are taken over; what was right before is not remembered.
                let changed = try await Self.htpasswd("new", "-B")
                try Data(changed.utf8).write(to: file)
                try await family.apply(
                    try await server.kubectl(
                        "create", "secret", "generic", "users", "--from-file=auth=\(file.path)", "--dry-run=client",
                        "-o",
                        "yaml"))
                try await eventually(within: .seconds(20), "the new user") {
                    try await ask("file", ["-u", "new:secret"]) == "200"
                }
                #expect(try await ask("file", ["-u", "bcrypt:secret"]) == "401")
                try await server.kubectl("delete", "secret", "users")
                try await eventually(within: .seconds(20), "nobody") {
                    try await ask("file", ["-u", "new:secret"]) == "503"
                }
                try await server.kubectl("create", "secret", "generic", "missing", "--from-file=auth=\(file.path)")
                try await eventually(within: .seconds(20), "the Secret that was missing") {
                    try await ask("missing", ["-u", "new:secret"]) == "200"
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
