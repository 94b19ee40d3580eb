import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Clients that mean no good, on the wire: what comes in through sockets, and programs that search for faults.
    @Suite("Clients that mean no good", .serialized, .martlet("apiserver")) struct HostileClientTests {
        /// What `scripts/build-schemathesis.sh` makes; it runs here too, for tests that were not started by `make`.
        private static func schemathesis() async throws -> String {
            let root = MartletServer.packageRoot
            let program = root.appending(path: ".build/clients/schemathesis/bin/schemathesis").path
            if Program.find(program) == nil {
                let output = try await Program.run(
                    root.appending(path: "scripts/build-schemathesis.sh").path, [], within: .seconds(300))
                try #require(output.succeeded, "build-schemathesis: \(output)")
            }
            return program
        }

        /// Thousands of requests made from each OpenAPI document find no server error but the deliberate ones.
        @Test func `schemathesis finds no server error in any document`() async throws {
            let server = try suiteServer()
            let program = try await Self.schemathesis()
            let hooks = MartletServer.packageRoot.appending(path: "Tests/Clients/schemathesis").path
            let index = try await server.request("GET", "/openapi/v3").body
            let documents = index.matches(of: #/"serverRelativeURL": ?"([^"]+)"/#).map { String($0.output.1) }
            try #require(documents.count > 5, "\(index)")
            for document in documents {
                // In the server's folder: it leaves files where it runs.
                let output = try await Program.run(
                    "env",
                    [
                        "--chdir=\(server.directory.path)", program, "run", server.url + document, "--url", server.url,
                        "--tls-verify", server.file("ca.crt"),
                        "--header", "Authorization: Bearer \(try server.token())", "--checks", "answers_for_itself",
                        "--phases", "coverage,fuzzing", "--max-time", "3", "--workers", "1", "--max-examples", "2",
                        "--request-timeout", "10", "--suppress-health-check", "all", "--warnings", "off", "--no-color",
                        "--seed", "1",
                    ],
                    environment: ["SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": hooks], within: .seconds(120))
                // Its own troubles with a schema end it with an error, but not with a failure of the server.
                #expect(output.out.contains("Test cases:"), "\(document): \(output)")
                #expect(!output.out.contains("FAILURES"), "\(document): \(output)")
            }
            #expect(try await server.request("GET", "/readyz").status == 200)
        }

        /// Bombs over TLS: answered, and the memory they took is bounded.
        @Test func `bombs are refused and leave no memory behind`() async throws {
            let server = try suiteServer()
            let path = "/api/v1/namespaces/default/configmaps"
            let before = try Self.residentKilobytes(of: server.program.pid)
            let bombs: [(name: String, bytes: String, type: String)] = [
                ("json", String(repeating: "[", count: 3_000_000), "application/json"),
                (
                    "yaml",
                    "a0: &a0 [x,x]\n"
                        + (1..<200).map { "a\($0): &a\($0) [*a\($0 - 1),*a\($0 - 1)]\n" }.joined(), "application/yaml"
                ),
                (
                    "keys",
                    "{" + (0..<150_000).map { #""k\#($0)":1"# }.joined(separator: ",") + "}", "application/json"
                ),
                ("large", String(repeating: " ", count: 4 << 20), "application/json"),
            ]
            for bomb in bombs {
                let file = server.file("bomb-\(bomb.name)")
                try Data(bomb.bytes.utf8).write(to: URL(filePath: file))
                for _ in 0..<10 {
                    let answer = try await Program.run(
                        "curl",
                        [
                            "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30", "--unix-socket",
                            server.file("api.sock"), "-H", "Content-Type: \(bomb.type)", "--data-binary", "@\(file)",
                            "http://localhost\(path)?fieldValidation=Warn",
                        ])
                    #expect(["400", "413", "422"].contains(answer.out), "\(bomb.name): \(answer)")
                }
            }
            let long = String(repeating: "a", count: 60_000)
            for query in ["labelSelector=\(long)", "fieldSelector=\(long)", "continue=\(long)", "limit=-1"] {
                let answer = try await Program.run(
                    "curl",
                    [
                        "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30", "--unix-socket",
                        server.file("api.sock"), "http://localhost\(path)?\(query)",
                    ])
                #expect(
                    answer.out.hasPrefix("4") || query == "limit=-1", "\(query.prefix(20)): \(answer)")
            }
            let after = try Self.residentKilobytes(of: server.program.pid)
            #expect(after - before < 200_000, "\(before) KB grew to \(after) KB")
            #expect(try await server.request("GET", "/readyz").status == 200)
        }

        /// More handshakes than all loops have places for, left unfinished by one address, cost others nothing, and an
        /// operator hears of it.
        @Test func `half handshakes of one address do not keep others out`() async throws {
            let count = 2_500
            var limit = rlimit()
            getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
            let cores = ProcessInfo.processInfo.activeProcessorCount
            guard limit.rlim_max > 12_000, cores <= 8 else {
                return print(
                    "skipped: that takes 12,000 descriptors, and at most 8 cores between which 2,500 are shared")
            }
            let server = try suiteServer()
            let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/half_handshakes.py").path
            let port = try #require(server.url.split(separator: ":").last)
            let strangers = try InteractiveProgram("python3", [script, "127.0.5.1", "\(port)", "\(count)"])
            #expect(try await strangers.firstLine() == "\(count)")
            #expect(try await server.request("GET", "/readyz").status == 200)
            try await eventually(within: .seconds(60), "the counter") {
                let metrics = try await server.request("GET", "/metrics").body
                let line = metrics.firstMatch(
                    of: #/martlet_api_connections_refused_total\{reason="peer_share"\} (\d+)/#)
                return line.flatMap { Int($0.output.1) } ?? 0 > 0
            }
            try await eventually(within: .seconds(60), "the line of the log") {
                server.program.output.err.contains(
                    #/closed for want of room: peer_share \d+.*most connections: 127\.0\.5\.1 with/#)
            }
            _ = try await strangers.finish()
        }

        /// Lists of several megabytes that nobody takes cost others nothing, and the same user at the same address gets small
        /// answers still.
        @Test func `lists that one client does not take keep nobody from reading`() async throws {
            let server = try suiteServer()
            let path = "/api/v1/namespaces/default/configmaps"
            let value = String(repeating: "v", count: 800_000)
            for number in 0..<5 {
                let object =
                    #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"unread-\#(number)"},"#
                    + #""data":{"x":"\#(value)"}}"#
                let file = server.file("unread-\(number)")
                try Data(object.utf8).write(to: URL(filePath: file))
                let made = try await server.request(
                    "POST", path, options: ["-H", "Content-Type: application/json", "--data-binary", "@\(file)"])
                #expect(made.status == 201)
            }
            let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/unread_lists.py").path
            let port = try #require(server.url.split(separator: ":").last)
            let there = "127.0.5.2"
            let hog = try InteractiveProgram(
                "python3", [script, there, "\(port)", server.file("admin.token"), path, "300"])
            #expect(try await hog.firstLine() == "300")
            // From its own address the list is refused while so much of it waits.
            try await eventually(within: .seconds(60), "the share to be used up") {
                try await server.request("GET", path, options: ["--interface", there]).status == 429
            }
            for _ in 0..<20 {
                #expect(try await server.request("GET", path).status == 200)
                #expect(try await server.request("GET", "/api/v1/namespaces/kube-system/secrets").status == 200)
                let small = try await server.request(
                    "GET", "/api/v1/namespaces/default", options: ["--interface", there])
                #expect(small.status == 200)
            }
            _ = try await hog.finish()
            for number in 0..<5 { _ = try await server.request("DELETE", "\(path)/unread-\(number)") }
        }

        private static func residentKilobytes(of process: Int32) throws -> Int {
            let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            return try #require(status.firstMatch(of: #/VmRSS:\s+(\d+) kB/#).flatMap { Int($0.output.1) })
        }
    }
}
