import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// The processes themselves: starting, ending, dying, coming back.
    @Suite("The family of processes", .serialized) struct ProcessTests {
        @Test func `a second start finds the data, and every process ends with the first`() async throws {
            let family = try await Family.start()
            let directory = family.server.directory
            let children = try await Self.children(of: family.server.program.pid)
            #expect(children.count == 3)
            try await family.server.kubectl("create", "namespace", "kept")
            await family.stop(keepingData: true)
            for child in children { #expect(kill(child, 0) != 0, "process \(child) still runs") }
            #expect(family.server.program.output.status == 0)

            let again = try await Family.start(in: directory)
            let name = try await again.server.kubectl("get", "namespace", "kept", "-o", "name")
            await again.stop()
            #expect(name == "namespace/kept")
        }

        @Test func `what dies is started again, and nothing is lost`() async throws {
            let family = try await Family.start()
            do {
                try await family.server.kubectl("create", "namespace", "before")
                for child in try await Self.children(of: family.server.program.pid) { kill(child, SIGKILL) }
                try await eventually(within: .seconds(60), "the family to come back") {
                    let output = try await family.server.tryKubectl(["get", "namespace", "before", "-o", "name"])
                    return output.out == "namespace/before\n"
                }
                try await eventually(within: .seconds(60), "three children") {
                    try await Self.children(of: family.server.program.pid).count == 3
                }
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `controllers that were killed lead again without waiting for their Leases to expire`() async throws {
            let family = try await Family.start()
            do {
                let server = family.server
                let lease = ["get", "lease", "martlet-endpoints-controller", "-n", "kube-system", "-o"]
                let format = "jsonpath={.spec.holderIdentity} {.spec.leaseTransitions}"
                try await eventually(within: .seconds(30), "a leader") {
                    try await server.tryKubectl(lease + [format]).out.hasSuffix(" 0")
                }
                let before = try await server.tryKubectl(lease + [format]).out
                for child in try await Self.children(of: server.program.pid) {
                    let command = try await Program.run("ps", ["-o", "args=", "-p", "\(child)"])
                    if command.out.contains("endpoints") { kill(child, SIGKILL) }
                }
                try await family.apply(
                    """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: later}
                    spec: {selector: {app: none}, ports: [{port: 80}]}

                    """)
                try await eventually(within: .seconds(60), "a slice of the new Service") {
                    try await server.tryKubectl([
                        "get", "endpointslices", "-l", "kubernetes.io/service-name=later", "-o", "name",
                    ]).out.hasPrefix("endpointslice")
                }
                #expect(try await server.tryKubectl(lease + [format]).out == before)
            } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        @Test func `children end when their supervisor is killed`() async throws {
            let family = try await Family.start()
            let children = try await Self.children(of: family.server.program.pid)
            family.server.program.signal(SIGKILL)
            try await eventually(within: .seconds(30), "the children to end") {
                children.allSatisfy { kill($0, 0) != 0 }
            }
            await family.stop()
        }

        @Test func `an occupied port gets the reason, the log's place and a non-zero exit`() async throws {
            let family = try await Family.start()
            let port = try #require(family.server.url.split(separator: ":").last)
            let directory = "/tmp/martlet-e2e-\(UUID().uuidString.prefix(8))"
            defer { try? FileManager.default.removeItem(atPath: directory) }  // Left-over files do no harm.
            let second = try await Program.run(
                family.server.binary,
                [
                    "up", "--local-only", "--data-dir", directory, "--secure-port", String(port), "--http-port", "0",
                    "--https-port", "0",
                ])
            let third = try await Program.run(
                family.server.binary,
                ["up", "--local-only", "--data-dir", family.server.directory.path, "--secure-port", "0"])
            await family.stop()
            #expect(second.status != 0)
            #expect(second.err.contains("in use"), "\(second)")
            let lines = second.err.split(separator: "\n")
            #expect(lines.count == 2 && lines.last?.hasPrefix("Its log: ") == true, "\(second)")
            #expect(third.status != 0)
            #expect(third.err.contains("another martlet up"), "\(third)")
        }

        @Test(arguments: ["apiserver", "up"])
        func `the serving certificate has the names that --tls-san asks for`(_ command: String) async throws {
            var line = [command, "--tls-san", "api.example.test", "--tls-san", "192.0.2.77"]
            if command == "up" { line += ["--local-only", "--http-port", "0", "--https-port", "0"] }
            let server = try await MartletServer.start(line)
            let port = try #require(server.url.split(separator: ":").last)
            for (name, isServed) in [("api.example.test", true), ("192.0.2.77", true), ("other.example.test", false)] {
                let answer = try await Program.run(
                    "curl",
                    [
                        "-s", "--max-time", "20", "--cacert", server.file("ca.crt"), "-o", "/dev/null", "-w",
                        "%{http_code}", "--connect-to", "\(name):\(port):127.0.0.1:\(port)",
                        "https://\(name):\(port)/livez",
                    ])
                #expect(answer.succeeded == isServed, "\(name): \(answer)")
                #expect(answer.out == (isServed ? "200" : "000"))
            }
            await server.stop()
        }

        @Test(arguments: [
            ["up", "--service-cluster-ip-range", "nonsense"], ["apiserver", "--tls-san", "not a name"],
            ["apiserver", "--secure-port", "70000"],
            ["apiserver", "--service-node-port-range", "9-1"], ["controller", "nobody"],
            ["dataplane", "--no-such-flag"],
        ])
        func `a wrong flag gets a clear message and a non-zero exit`(arguments: [String]) async throws {
            let output = try await Program.run(try MartletServer.builtProduct("martlet"), arguments)
            #expect(output.status != 0)
            #expect(output.err.hasPrefix("Error: "), "\(output)")
        }

        @Test(arguments: ["up", "apiserver", "controller", "dataplane", "echo"])
        func `every flag of a subcommand is explained`(command: String) async throws {
            let output = try await Program.run(try MartletServer.builtProduct("martlet"), [command, "--help"])
            #expect(output.succeeded)
            #expect(output.out.contains("OVERVIEW") && output.out.contains("USAGE: martlet \(command)"))
            for line in output.out.split(separator: "\n") where line.hasPrefix("  --") && line.count < 26 {
                let next = output.out.split(separator: "\n").drop { $0 != line }.dropFirst().first
                #expect(line.split(separator: "  ").count > 1 || next?.hasPrefix("   ") == true, "\(line)")
            }
        }

        /// The direct children of a process, from proc(5).
        static func children(of pid: pid_t) async throws -> [pid_t] {
            let output = try await Program.run("ps", ["-o", "pid=", "--ppid", "\(pid)"])
            return output.out.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
        }
    }
}
