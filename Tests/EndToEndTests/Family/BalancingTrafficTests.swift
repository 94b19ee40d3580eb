import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Whom the L7 proxy asks, through the real processes.
    @Suite("Balancing of Ingresses", .serialized) struct BalancingTrafficTests {
        /// A Service with a slice for each backend.
        private static func service(_ name: String, _ backends: [Backend]) -> String {
            let slices = backends.enumerated().map { index, backend in
                """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: \(name)-\(index), labels: {kubernetes.io/service-name: \(name)}}
                addressType: IPv4
                ports: [{name: http, port: \(backend.port)}]
                endpoints: [{addresses: ["\(backend.address)"]}]
                ---

                """
            }
            return """
                apiVersion: v1
                kind: Service
                metadata: {name: \(name)}
                spec: {ports: [{name: http, port: 80}]}
                ---

                """ + slices.joined()
        }

        private static func ingress(_ name: String, _ annotations: [String: String]) -> String {
            let text = annotations.map { "\($0.key): '\($0.value)'" }.joined(separator: ", ")
            return IngressTrafficTests.ingress(name, host: "\(name).example.com", service: "web", class: "left")
                .replacingOccurrences(of: "{name: \(name)}", with: "{name: \(name), annotations: {\(text)}}")
        }

        /// Who answers, by the first word.
        private static func answerer(_ text: String?) -> String? {
            text?.split(separator: " ").first.map(String.init)
        }

        @Test func `a header, the client's address or turn chooses as the annotations say, and wrong ones are told of`()
            async throws
        {
            let family = try await Family.start()
            do {
                var backends: [Backend] = []
                for (index, name) in ["one", "two", "three"].enumerated() {
                    backends.append(try await family.backend(name, on: "127.0.58.\(index + 1)"))
                }
                defer { for backend in backends { backend.program.signal(SIGTERM) } }
                try await family.apply(IngressTrafficTests.classes + Self.service("web", backends))
                let nginx = "nginx.ingress.kubernetes.io/"
                try await family.apply(
                    [
                        Self.ingress("plain", [:]), Self.ingress("users", [nginx + "upstream-hash-by": "$http_x_user"]),
                        Self.ingress("peers", ["traffic.martlet.dev/balancing": "consistent-hash"]),
                        Self.ingress("wrong", [nginx + "load-balance": "best"]),
                    ].joined(separator: "---\n"))
                @Sendable func ask(_ host: String, user: String = "", _ more: String...) async throws -> String? {
                    let output = try await Program.run(
                        "curl",
                        [
                            "-s", "--fail", "--max-time", "10", "-H", "Host: \(host).example.com", "-H",
                            "X-User: \(user)", "http://127.0.0.1:\(family.httpPort)/",
                        ] + more)
                    return output.succeeded ? Self.answerer(output.out) : nil
                }
                for host in ["plain", "users", "peers", "wrong"] {
                    try await eventually(within: .seconds(20), "an answer for \(host)") {
                        try await ask(host) != nil
                    }
                }
                for host in ["plain", "wrong"] {
                    var answers: Set<String?> = []
                    for _ in 0..<9 { answers.insert(try await ask(host)) }
                    #expect(answers == ["one", "two", "three"], "\(host)")
                }
                var peers: Set<String?> = []
                for _ in 0..<6 { peers.insert(try await ask("peers")) }
                #expect(peers.count == 1)
                var served: Set<String?> = []
                for user in 0..<40 {
                    let first = try await ask("users", user: "u\(user)")
                    if user < 8 { #expect(try await ask("users", user: "u\(user)") == first) }
                    if user < 8 {
                        #expect(try await ask("users", user: "u\(user)", "--http2-prior-knowledge") == first)
                    }
                    served.insert(first)
                }
                #expect(served == ["one", "two", "three"])
                let server = family.server
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "wrong").contains(
                        "nginx.ingress.kubernetes.io/load-balance: \"best\" is not known")
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `a canary takes the requests that its annotations say, and none without a main Ingress`()
            async throws
        {
            let family = try await Family.start()
            do {
                let main = try await family.backend("main", on: "127.0.58.11")
                let new = try await family.backend("new", on: "127.0.58.12")
                defer { for backend in [main, new] { backend.program.signal(SIGTERM) } }
                try await family.apply(
                    IngressTrafficTests.classes + Self.service("web", [main]) + Self.service("new", [new]))
                let nginx = "nginx.ingress.kubernetes.io/"
                let canary = Self.ingress(
                    "canary",
                    [
                        nginx + "canary": "true", nginx + "canary-by-header": "X-New",
                        nginx + "canary-by-header-pattern": "^beta-[0-9]+$", nginx + "canary-by-cookie": "new",
                    ]
                ).replacingOccurrences(of: "canary.example.com", with: "shared.example.com")
                    .replacingOccurrences(of: "{name: web, ", with: "{name: new, ")
                let server = family.server
                // Together with its main Ingress, which comes behind it.
                let twin = Self.ingress("twin-canary", [nginx + "canary": "true", nginx + "canary-weight": "100"])
                    .replacingOccurrences(of: "twin-canary.example.com", with: "twin.example.com")
                    .replacingOccurrences(of: "{name: web, ", with: "{name: new, ")
                try await family.apply(twin + Self.ingress("twin", [:]))
                try await family.apply(canary)
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "canary").contains(
                        "is in no other Ingress that this canary could take requests from")
                }
                #expect(try await server.events(about: "twin-canary") == "")
                #expect(try await family.get("shared.example.com") == nil)
                try await family.apply(Self.ingress("shared", [:]))
                @Sendable func ask(_ more: String...) async throws -> String? {
                    let output = try await Program.run(
                        "curl",
                        ["-s", "--fail", "--max-time", "10", "-H", "Host: shared.example.com"] + more + [
                            "http://127.0.0.1:\(family.httpPort)/"
                        ])
                    return output.succeeded ? Self.answerer(output.out) : nil
                }
                try await eventually(within: .seconds(20), "the canary") {
                    try await ask("-H", "X-New: beta-7") == "new"
                }
                for more in [[], ["--http2-prior-knowledge"]] {
                    let flag = more.first ?? "--http1.1"
                    #expect(try await ask(flag) == "main")
                    #expect(try await ask(flag, "-H", "X-New: beta-7") == "new")
                    #expect(try await ask(flag, "-H", "X-New: always") == "main")
                    #expect(try await ask(flag, "-H", "Cookie: new=always") == "new")
                    #expect(try await ask(flag, "-H", "Cookie: new=never") == "main")
                }
                try await eventually(within: .seconds(20), "the condition") {
                    let output = try await server.tryKubectl([
                        "get", "routetable", "canary", "-o",
                        "jsonpath={range .status.conditions[*]}{.type}={.status} {end}",
                    ])
                    return output.out.contains("Accepted=True") && output.out.contains("Programmed=True")
                }
                try await server.kubectl(
                    "annotate", "--overwrite", "ingress", "canary", nginx + "canary-weight=100")
                try await eventually(within: .seconds(20), "all requests") { try await ask() == "new" }
                try await server.kubectl("delete", "ingress", "canary")
                try await eventually(within: .seconds(20), "the main one") {
                    try await ask("-H", "X-New: beta-7") == "main"
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `times, tries and limits hold as the annotations say, and wrong ones are told of`() async throws {
            let family = try await Family.start()
            do {
                let backend = try await family.backend("one", on: "127.0.58.21")
                defer { backend.program.signal(SIGTERM) }
                try await family.apply(IngressTrafficTests.classes + Self.service("web", [backend]))
                let nginx = "nginx.ingress.kubernetes.io/"
                try await family.apply(
                    [
                        Self.ingress(
                            "hasty",
                            [
                                nginx + "proxy-read-timeout": "1", nginx + "proxy-connect-timeout": "2",
                                nginx + "proxy-next-upstream": "error timeout http_503",
                                nginx + "proxy-next-upstream-tries": "2",
                            ]),
                        Self.ingress(
                            "limited",
                            ["traffic.martlet.dev/max-requests": "1", "traffic.martlet.dev/slow-start": "10"]),
                        Self.ingress(
                            "queued",
                            [
                                "traffic.martlet.dev/max-requests-per-endpoint": "1",
                                "traffic.martlet.dev/max-queue": "500",
                                "traffic.martlet.dev/queue-timeout": "60",
                            ]), Self.ingress("wrong", [nginx + "proxy-read-timeout": "5m"]),
                    ].joined(separator: "---\n"))
                @Sendable func status(_ host: String, _ path: String) async throws -> String {
                    try await Program.run(
                        "curl",
                        [
                            "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "60", "-H",
                            "Host: \(host).example.com", "http://127.0.0.1:\(family.httpPort)\(path)",
                        ]
                    ).out
                }
                @Sendable func statuses(_ host: String, _ count: Int, _ path: String) async throws -> Set<String> {
                    try await withThrowingTaskGroup(of: String.self) { group in
                        for _ in 0..<count { group.addTask { try await status(host, path) } }
                        return try await group.reduce(into: []) { $0.insert($1) }
                    }
                }
                for host in ["hasty", "limited", "queued", "wrong"] {
                    try await eventually(within: .seconds(20), "an answer for \(host)") {
                        try await status(host, "/") == "200"
                    }
                }
                #expect(try await status("hasty", "/delay/4000") == "504")
                #expect(try await status("wrong", "/delay/1500") == "200")
                // With nobody else to ask, the endpoint's own answer.
                #expect(try await status("hasty", "/status/503") == "503")
                // Every loop has a request at least, so that there must be more than loops.
                let many = 2 * ProcessInfo.processInfo.activeProcessorCount + 6
                #expect(try await statuses("limited", many, "/delay/1500") == ["200", "503"])
                #expect(try await statuses("queued", many, "/delay/20") == ["200"])
                let server = family.server
                try await eventually(within: .seconds(20), "the Event") {
                    try await server.events(about: "wrong").contains(
                        "nginx.ingress.kubernetes.io/proxy-read-timeout: \"5m\" is no number")
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test(arguments: ["balanced", "persistent"])
        func `a client with a cookie stays with its endpoint, over both protocols`(mode: String) async throws {
            let family = try await Family.start()
            do {
                var backends: [Backend] = []
                for (index, name) in ["one", "two", "three"].enumerated() {
                    backends.append(try await family.backend(name, on: "127.0.59.\(index + 1)"))
                }
                defer { for backend in backends { backend.program.signal(SIGTERM) } }
                try await family.apply(IngressTrafficTests.classes + Self.service("web", backends))
                let nginx = "nginx.ingress.kubernetes.io/"
                try await family.apply(
                    Self.ingress(
                        "sticky",
                        [
                            nginx + "affinity": "cookie", nginx + "affinity-mode": mode,
                            nginx + "session-cookie-name": "route", nginx + "session-cookie-max-age": "600",
                            nginx + "session-cookie-samesite": "Lax",
                            nginx + "session-cookie-change-on-failure": "true",
                        ]))
                try await eventually(within: .seconds(20), "an answer") {
                    try await family.get("sticky.example.com") != nil
                }
                @Sendable func ask(cookie: String? = nil, _ more: [String] = []) async throws -> (
                    by: String?, cookie: String?
                ) {
                    let fields = cookie.map { ["-H", "Cookie: a=b; route=\($0)"] } ?? []
                    let output = try await Program.run(
                        "curl",
                        ["-s", "-i", "--max-time", "10", "-H", "Host: sticky.example.com"] + fields + more + [
                            "http://127.0.0.1:\(family.httpPort)/"
                        ])
                    let lines = output.out.replacingOccurrences(of: "\r", with: "").split(separator: "\n")
                    let set = lines.first { $0.lowercased().hasPrefix("set-cookie: ") }
                    return (
                        lines.first { $0.contains(" answers ") }.flatMap { Self.answerer(String($0)) },
                        set.map { String($0.dropFirst(12)) }
                    )
                }
                var sessions: [String: String] = [:]
                for protocolFlags in [[], ["--http2-prior-knowledge"]] {
                    for _ in 0..<6 {
                        let first = try await ask(protocolFlags)
                        let text = try #require(first.cookie)
                        let value = try #require(
                            text.wholeMatch(
                                of: /route=([0-9a-f]{16}); Path=\/; Max-Age=600; SameSite=Lax; HttpOnly/)?.1)
                        let by = try #require(first.by)
                        sessions[String(value)] = by
                        for _ in 0..<3 {
                            let again = try await ask(cookie: String(value), protocolFlags)
                            #expect(again.by == by && again.cookie == nil)
                        }
                    }
                }
                #expect(Set(sessions.values).count >= 2)
                // What we have not written is nobody's session.
                #expect(try await ask(cookie: "127.0.59.1:80").cookie != nil)
                // Its endpoint dies: the client goes to another one, and stays there.
                let (value, by) = try #require(sessions.first)
                let dying = try #require(backends.firstIndex { $0.name == by })
                backends[dying].program.signal(SIGKILL)
                try await eventually(within: .seconds(20), "another one") {
                    try await ask(cookie: value).by.map { $0 != by } ?? false
                }
                let moved = try await ask(cookie: value)
                let next = try #require(moved.cookie?.dropFirst(6).prefix(16))
                #expect(try await ask(cookie: String(next)).by == moved.by)
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }
    }
}
