import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// A second data plane with credentials of its own, through the real processes.
    @Suite("Joining", .serialized) struct JoinTests {
        private static let flags = [
            "--node-name", "one", "--node-lease-duration-seconds", "4", "--node-monitor-grace-period", "4s",
            "--node-monitor-period", "500ms",
        ]

        private func withFamily(_ body: (Family) async throws -> Void) async throws {
            let family = try await Family.start(Self.flags)
            do { try await body(family) } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        /// What `martlet token create --print-join-command` prints, as arguments.
        private func joinLine(_ family: Family) async throws -> [String] {
            let arguments = [
                "token", "create", "--print-join-command", "--kubeconfig", family.server.file("admin.kubeconfig"),
            ]
            try await eventually(within: .seconds(20), "cluster-info") {
                try await Program.run(family.server.binary, arguments).succeeded
            }
            let line = try await Program.run(family.server.binary, arguments).out
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let words = line.split(separator: " ").map(String.init)
            try #require(words.starts(with: ["martlet", "join"]), "\(line)")
            return Array(words.dropFirst())
        }

        private func join(_ family: Family, _ arguments: [String], in directory: URL, name: String) throws -> Program {
            try Program(
                family.server.binary,
                arguments + [
                    "--data-dir", directory.path, "--node-name", name, "--plain-status", "--zone", "east",
                    "--node-lease-duration-seconds", "4", "--http-address", "127.0.0.1:0", "--https-address",
                    "127.0.0.1:0",
                    "--nodeport-addresses", "127.0.0.2/32",
                ])
        }

        private func isReady(_ family: Family, _ name: String) async throws -> String {
            try await family.server.tryKubectl([
                "get", "node", name, "-o", "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}",
            ]).out
        }

        @Test func `a machine joins by a token, falls silent, is marked, and comes back without the token`()
            async throws
        {
            try await withFamily { family in
                let directory = FileManager.default.temporaryDirectory.appending(
                    path: "martlet-join-\(UUID().uuidString)")
                defer { try? FileManager.default.removeItem(at: directory) }  // Left-over files do no harm.
                let first = try join(family, try await joinLine(family), in: directory, name: "two")
                try await eventually(within: .seconds(60), "node two: \(first.output)") {
                    try await isReady(family, "two") == "True"
                }
                let zone = try await family.server.tryKubectl([
                    "get", "node", "two", "-o", "jsonpath={.metadata.labels.topology\\.kubernetes\\.io/zone}",
                ])
                #expect(zone.out == "east")
                let mode = try FileManager.default.attributesOfItem(
                    atPath: directory.appending(path: "node.kubeconfig").path)[.posixPermissions]
                #expect(mode as? Int == 0o600)

                // Stopped, not ended: it is silent, and cannot say that it goes.
                try await pause(first, family)
                try await eventually(within: .seconds(60), "node two to be lost") {
                    try await isReady(family, "two") == "Unknown"
                }
                let taints = try await family.server.tryKubectl([
                    "get", "node", "two", "-o", "jsonpath={.spec.taints[*].key}",
                ])
                #expect(taints.out.contains("node.kubernetes.io/unreachable"))
                try await goOn(first, family)
                try await eventually(within: .seconds(60), "node two to be back") {
                    let taints = try await family.server.tryKubectl([
                        "get", "node", "two", "-o", "jsonpath={.spec.taints[*].key}",
                    ])
                    return try await isReady(family, "two") == "True"
                        && !taints.out.contains("node.kubernetes.io/unreachable")
                }

                first.signal(SIGTERM)
                try await eventually(within: .seconds(30), "node two to end") { !first.isRunning }
                let again = try join(family, ["join"], in: directory, name: "two")
                defer { again.signal(SIGTERM) }
                try await eventually(within: .seconds(60), "node two without a token") {
                    again.output.out.contains("this machine is node two")
                }
                again.signal(SIGTERM)
                try await eventually(within: .seconds(30), "node two to end") { !again.isRunning }
            }
        }

        private func children(of program: Program) async throws -> [Int32] {
            let output = try await Program.run("pgrep", ["-P", "\(program.pid)"])
            return output.out.split(separator: "\n").compactMap { Int32($0) }
        }

        private func pause(_ program: Program, _ family: Family) async throws {
            for child in try await children(of: program) { kill(child, SIGSTOP) }
        }

        private func goOn(_ program: Program, _ family: Family) async throws {
            for child in try await children(of: program) { kill(child, SIGCONT) }
        }

        @Test func `what is wrong is said clearly`() async throws {
            try await withFamily { family in
                let line = try await joinLine(family)
                let directory = FileManager.default.temporaryDirectory.appending(
                    path: "martlet-join-\(UUID().uuidString)")
                defer { try? FileManager.default.removeItem(at: directory) }  // Left-over files do no harm.
                func refusal(_ change: (inout [String]) -> Void) async throws -> String {
                    var arguments = line
                    change(&arguments)
                    let output = try await Program.run(
                        family.server.binary, arguments + ["--data-dir", directory.path, "--node-name", "two"])
                    #expect(!output.succeeded)
                    return output.err
                }
                let hash = try #require(line.firstIndex { $0.hasPrefix("sha256:") })
                let token = try #require(line.firstIndex(of: "--token")) + 1
                let wrong = "sha256:" + String(repeating: "0", count: 64)
                #expect(
                    try await refusal { $0[hash] = wrong }.contains("--ca-cert-hash: the server's authority is another")
                )
                #expect(
                    try await refusal { $0[token] = "zzzzzz.0123456789abcdef" }.contains("does not know this token"))
                #expect(
                    try await refusal { $0[1] = "https://127.0.0.1:1" }.contains("Is it the server's address"))
                #expect(try await refusal { $0 = ["join"] }.contains("has not joined yet"))
                #expect(try await refusal { $0.removeLast(2) }.contains("--ca-cert-hash or --ca-cert-file is needed"))
                let own = try await Program.run(
                    family.server.binary, line + ["--data-dir", family.server.directory.path, "--node-name", "two"])
                #expect(own.err.contains("belongs to a server of its own"), "\(own)")
                let id = String(line[token].prefix(6))
                let removed = try await Program.run(
                    family.server.binary,
                    ["token", "delete", id, "--kubeconfig", family.server.file("admin.kubeconfig")])
                #expect(removed.succeeded)
                #expect(try await refusal { _ in }.contains("does not know this token"))
            }
        }
    }
}
