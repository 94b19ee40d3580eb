import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// A service that is asked about requests, a real nginx that looks at a cookie, through the real processes.
    @Suite("A service that is asked about requests", .serialized) struct AuthenticationTrafficTests {
        private static func ingress(_ name: String, _ annotations: [String: String], service: String = "web") -> String
        {
            let text = annotations.map { "nginx.ingress.kubernetes.io/\($0.key): '\($0.value)'" }.joined(
                separator: ", ")
            return IngressTrafficTests.ingress(name, host: "\(name).example.com", service: service, class: "left")
                .replacingOccurrences(of: "{name: \(name)}", with: "{name: \(name), annotations: {\(text)}}") + "---\n"
        }

        private static func nginx(_ address: String, _ port: UInt16, in directory: URL) async throws -> Program {
            let path = directory.appending(path: "auth")
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
                        listen \(address):\(port);
                        location /oauth2/auth {
                            if ($cookie_session = "good") { set $verdict yes; }
                            if ($cookie_session = "bad") { return 403; }
                            if ($cookie_session = "odd") { return 302 /x; }
                            add_header WWW-Authenticate 'Bearer realm="here"' always;
                            if ($verdict != "yes") { return 401; }
                            add_header X-User ann;
                            add_header X-Seen "$http_x_original_method $http_x_original_url $http_x_user";
                            add_header Set-Cookie renewed=1;
                            return 204;
                        }
                        location / { return 200 "sign in"; }
                    }
                }
                """.utf8
            ).write(to: configuration)
            return try Program("/usr/sbin/nginx", ["-p", path.path, "-c", configuration.path, "-e", "stderr"])
        }

        @Test func `who is let in comes in, with what the service says of him, and nobody else`() async throws {
            let family = try await Family.start()
            do {
                let server = family.server
                let backend = try await family.backend("one", on: "127.0.67.3")
                let port = try Family.freePorts(1)[0]
                let auth = try await Self.nginx("127.0.67.4", port, in: server.directory)
                defer {
                    backend.program.signal(SIGTERM)
                    auth.signal(SIGTERM)
                }
                let asked = Backend(name: "auth", address: "127.0.67.4", port: port, program: auth)
                let common = ["auth-response-headers": "X-User,X-Seen"]
                func with(_ more: [String: String]) -> [String: String] { common.merging(more) { $1 } }
                try await family.apply(
                    IngressTrafficTests.classes + IngressTrafficTests.service("web", backend)
                        + IngressTrafficTests.service("auth", asked)
                        + Self.ingress(
                            "service", with(["auth-url": "http://auth.default.svc.cluster.local/oauth2/auth"]))
                        + Self.ingress(
                            "own",
                            with(["auth-url": "https://$host/oauth2/auth", "auth-signin": "https://$host/oauth2/start"])
                        )
                        + Self.ingress("address", with(["auth-url": "http://127.0.67.4:\(port)/oauth2/auth"]))
                        + Self.ingress("gone", with(["auth-url": "http://127.0.67.5:1/oauth2/auth"]))
                        + Self.ingress("missing", with(["auth-url": "http://no.default.svc/oauth2/auth"]))
                        + Self.ingress("outside", with(["auth-url": "https://auth.example.org/oauth2/auth"]))
                        + Self.ingress("snippet", with(["auth-url": "https://$host/a", "auth-snippet": "x y;"])))
                // The same host's own path for signing in, which is not guarded.
                try await family.apply(
                    IngressTrafficTests.ingress("signin", host: "own.example.com", service: "auth", class: "left")
                        .replacingOccurrences(of: "path: /,", with: "path: /oauth2,"))
                @Sendable func ask(
                    _ host: String, cookie: String? = nil, _ more: [String] = [], write: String = "%{http_code}"
                ) async throws -> String {
                    var arguments = ["-s", "-o", "/dev/null", "--max-time", "15", "-w", write]
                    arguments += ["-H", "Host: \(host).example.com"]
                    if let cookie { arguments += ["-b", "session=\(cookie)"] }
                    arguments += more + ["http://127.0.0.1:\(family.httpPort)/a?b=c"]
                    let output = try await Program.run("curl", arguments)
                    return output.out
                }
                for (host, status) in [
                    ("service", "401"), ("own", "302"), ("address", "401"), ("gone", "500"), ("missing", "500"),
                    ("outside", "503"), ("snippet", "503"),
                ] {
                    try await eventually(within: .seconds(30), "\(status) for \(host)") {
                        try await ask(host) == status
                    }
                    #expect(try await ask(host, ["--http2-prior-knowledge"]) == status, "\(host) by HTTP/2")
                }
                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    for host in ["service", "own", "address"] {
                        #expect(try await ask(host, cookie: "good", [version]) == "200", "\(host)")
                        #expect(try await ask(host, cookie: "bad", [version]) == "403", "\(host)")
                        #expect(try await ask(host, cookie: "odd", [version]) == "500", "\(host)")
                        #expect(try await ask(host, cookie: "good", [version, "-d", "body"]) == "200", "\(host)")
                    }
                    for host in ["gone", "missing", "outside", "snippet"] {
                        #expect(try await ask(host, cookie: "good", [version]).hasPrefix("50"), "\(host)")
                    }
                    #expect(
                        try await ask("service", [version], write: "%header{www-authenticate}")
                            == #"Bearer realm="here""#)
                    #expect(
                        try await ask("own", [version], write: "%{redirect_url}")
                            == "https://own.example.com/oauth2/start?rd=http://own.example.com%2Fa%3Fb%3Dc")
                    #expect(
                        try await ask("service", cookie: "good", [version], write: "%header{set-cookie}") == "renewed=1"
                    )
                }
                let seen = try await family.curl(
                    "-b", "session=good", "-H", "Host: service.example.com", "-H", "X-User: root", "-H", "x_user: root",
                    "http://127.0.0.1:\(family.httpPort)/a?b=c")
                #expect(seen?.contains("one answers") == true)
                for (name, words) in [
                    ("missing", "there is no Service default/no"), ("outside", "auth.example.org is neither a Service"),
                    ("snippet", "auth-snippet"),
                ] {
                    try await eventually(within: .seconds(20), "the Event of \(name)") {
                        try await server.events(about: name).contains(words)
                    }
                }
                // One that stops lets nobody in, and one that is back does.
                auth.signal(SIGTERM)
                try await eventually(within: .seconds(20), "nobody to be let in") {
                    try await ask("service", cookie: "good") == "500"
                }
                let again = try await Self.nginx("127.0.67.4", port, in: server.directory)
                defer { again.signal(SIGTERM) }
                try await eventually(within: .seconds(30), "the service to be back") {
                    try await ask("service", cookie: "good") == "200"
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
