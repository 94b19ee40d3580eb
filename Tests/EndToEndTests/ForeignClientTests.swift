import Foundation
import Testing

extension EndToEnd {
    /// Clients that other people wrote: Python's `kubernetes`, and C on libcurl.
    @Suite("Clients in C and Python", .serialized, .martlet("apiserver")) struct ForeignClientTests {
        /// What `scripts/build-clients.sh` makes; it runs here too, for tests that were not started by `make`.
        private static func client(_ path: String) async throws -> String {
            let root = MartletServer.packageRoot
            let program = root.appending(path: ".build/clients/\(path)").path
            if Program.find(program) == nil {
                let output = try await Program.run(
                    root.appending(path: "scripts/build-clients.sh").path, [], within: .seconds(300))
                try #require(output.succeeded, "build-clients: \(output)")
            }
            return program
        }

        @Test(arguments: ["crud", "kinds", "patches", "conflicts", "pagination", "watches"])
        func `the Python client works`(_ test: String) async throws {
            let server = try suiteServer()
            let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/client.py").path
            let output = try await Program.run(
                try await Self.client("python/bin/python"), [script, test], environment: server.clientEnvironment)
            #expect(output.succeeded && output.out == "ok \(test)\n", "\(output)")
        }

        @Test func `a validator accepts every OpenAPI document`() async throws {
            let server = try suiteServer()
            let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/openapi.py").path
            let output = try await Program.run(
                try await Self.client("python/bin/python"), [script], environment: server.clientEnvironment,
                within: .seconds(180))
            #expect(output.succeeded && output.out.hasPrefix("ok "), "\(output)")
        }

        @Test func `the C client works over HTTP 2`() async throws {
            let server = try suiteServer()
            try await server.makeNamespace("from-c")
            let output = try await Program.run(
                try await Self.client("watch-client"),
                [server.url, server.file("ca.crt"), server.file("admin.token"), "from-c"])
            #expect(output.succeeded, "\(output)")
            #expect(output.out.contains("ok watch over HTTP/2"))
        }
    }
}
