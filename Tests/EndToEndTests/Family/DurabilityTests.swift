import Foundation
import Glibc
import KubeModel
import Testing

extension EndToEnd {
    @Suite("Writes outlive the server", .serialized) struct DurabilityTests {
        @Test func `kill -9 loses no acknowledged write and no watched event`() async throws {
            let script = MartletServer.packageRoot.appending(path: "Tests/Clients/python/durability.py").path
            var server = try await MartletServer.start(["apiserver"])
            let directory = server.directory
            do {
                let client = try InteractiveProgram("python3", [script, server.file("api.sock")])
                #expect(try await client.firstLine() == "running")
                for round in 0..<8 {
                    try await Task.sleep(for: .milliseconds(150 + 90 * round))
                    server.program.signal(SIGKILL)
                    _ = try await server.program.ended()
                    server = try await MartletServer.start(["apiserver"], in: directory)
                }
                try await Task.sleep(for: .milliseconds(300))
                let found = try JSONParser.parse(Array(try await client.finish().utf8))
                #expect(found["problems"] == .array([]), "\(found)")
                #expect(try #require(found["written"]?.int) > 100)
                #expect(try #require(found["reconnects"]?.int) >= 8)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }
    }
}
