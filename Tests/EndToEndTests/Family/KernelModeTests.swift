import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// `martlet up` as root, in a network of its own.
    @Suite("In the kernel Services outlive the process that made them", .timeLimit(.minutes(5)))
    struct KernelModeTests {
        @Test(.enabled(if: OwnNetwork.isAvailable, "needs root, ip and iptables"))
        func `new connections go on while the data plane is dead, and a clean-up leaves nothing`() async throws {
            let network = try await OwnNetwork.make()
            try await network.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
            let server = try await MartletServer.start(["up"], network: network)
            let backend = try network.start([server.binary, "echo", "--name", "one", "--listen", "127.0.1.1:8001"])
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await check(network, server)) } catch { outcome = .failure(error) }
            await server.stop()
            await backend.stop()
            try await network.remove()
            try outcome.get()
        }

        private func check(_ network: OwnNetwork, _ server: MartletServer) async throws {
            func create(_ path: String, _ document: String) async throws {
                let output = try await Program.run(
                    "curl",
                    [
                        "--silent", "--fail-with-body", "--unix-socket", server.file("api.sock"), "-H",
                        "Content-Type: application/json", "--data", document, "http://localhost\(path)",
                    ])
                try #require(output.succeeded, "\(output)")
            }
            // A port that an ordinary user may not open.
            @Sendable func isServed() async throws -> Bool {
                try await network.run(["curl", "--silent", "--max-time", "5", "http://127.96.7.1/"]).out.contains("one")
            }
            try await create(
                "/api/v1/namespaces/default/services",
                #"{"metadata":{"name":"web"},"spec":{"clusterIP":"127.96.7.1","ports":[{"port":80}]}}"#)
            try await create(
                "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                #"{"metadata":{"name":"web-1","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4","#
                    + #""ports":[{"port":8001}],"endpoints":[{"addresses":["127.0.1.1"]}]}"#)
            try await eventually(within: .seconds(60), "the Service") { try await isServed() }
            let log = try String(contentsOfFile: server.file("logs/dataplane.log"), encoding: .utf8)
            #expect(log.contains("in the kernel by nftables"), "\(log)")

            let first = try #require(dataPlane(of: server))
            kill(first, SIGKILL)
            for _ in 0..<20 { #expect(try await isServed()) }
            try await eventually(within: .seconds(60), "the next data plane") {
                dataPlane(of: server).map { $0 != first } ?? false
            }
            for _ in 0..<20 { #expect(try await isServed()) }

            let refused = try await network.run([server.binary, "dataplane", "--cleanup"])
            #expect(refused.status != 0 && refused.err.contains("running"), "\(refused)")
            await server.program.stop()
            #expect(try await isServed())
            let cleaned = try await network.run([server.binary, "dataplane", "--cleanup"])
            #expect(cleaned.succeeded && cleaned.out.contains("removed"), "\(cleaned)")
            #expect(try await !isServed())
            let setting = try await network.run(["cat", "/proc/sys/net/ipv4/conf/all/route_localnet"])
            #expect(setting.out == "0\n")
        }

        /// The data plane's process, which has the server's directory in its arguments.
        private func dataPlane(of server: MartletServer) -> pid_t? {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return entries.compactMap { pid_t($0) }.first { pid in
                // Processes may end while we look.
                guard let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8) else {
                    return false
                }
                let words = line.split(separator: "\0")
                return words.dropFirst().first == "dataplane" && line.contains(server.directory.path)
            }
        }
    }
}
