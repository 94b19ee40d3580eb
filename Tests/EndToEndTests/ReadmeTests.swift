import Foundation
import Testing

extension EndToEnd {
    /// README.md, read as its reader does: its commands are run, its flags are those of the program.
    @Suite("The README keeps what it promises", .serialized) struct ReadmeTests {
        private static var readme: String {
            get throws {
                try String(contentsOf: MartletServer.packageRoot.appending(path: "README.md"), encoding: .utf8)
            }
        }

        /// The code blocks of a language below a heading.
        private static func blocks(_ language: String, below heading: String) throws -> [String] {
            let section = try #require(
                try readme.components(separatedBy: "\n## ").first { $0.hasPrefix(heading) })
            return section.components(separatedBy: "```").filter { $0.hasPrefix(language + "\n") }.map {
                String($0.dropFirst(language.count + 1))
            }
        }

        @Test(.timeLimit(.minutes(5)))
        func `the tour's commands succeed, and its own backend answers`() async throws {
            let shop = try ExampleShop()
            let backends = try shop.startBackends()
            let server = try await MartletServer.start(shop.command)
            do {
                try await server.kubectl("apply", "-f", "-", input: try shop.manifests())
                try await server.kubectl(
                    "wait", "-n", "shop", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
                // What is there already is not written again.
                let again = try await server.kubectl("apply", "-f", "-", input: try shop.manifests())
                #expect(again.split(separator: "\n").allSatisfy { $0.hasSuffix("unchanged") }, "\(again)")
                let nodePort = try await server.kubectl(
                    "get", "svc", "web", "-n", "shop", "-o", "jsonpath={.spec.ports[0].nodePort}")
                let backendPort = try ExampleShop.freePort()
                let binary = try MartletServer.builtProduct("martlet")
                let curl = "curl -sS --fail --retry 20 --retry-delay 1 --retry-all-errors --max-time 5 "
                let script = try Self.blocks("sh", below: "A tour").joined(separator: "\n")
                    .replacing("$PWD/.martlet/", with: server.directory.path + "/")
                    .replacing(".martlet/api.sock", with: server.directory.path + "/api.sock")
                    .replacing(".build/release/martlet", with: binary)
                    .replacing("127.0.0.1:30080", with: "127.0.0.1:\(nodePort)")
                    .replacing("127.0.0.1:8080", with: "127.0.0.1:\(shop.httpPort)")
                    .replacing("9000", with: "\(backendPort)")
                    .replacing("curl ", with: curl)
                    .replacing("kubectl apply -f -", with: "kubectl apply --validate=false -f -")
                let output = try await Program.run(
                    "bash", ["-euo", "pipefail", "-c", "trap 'kill $(jobs -p)' EXIT\n" + script])
                #expect(output.succeeded, "\(output)")
                #expect(output.out.split(separator: "\n").contains { $0.contains("mine") }, "\(output)")
            } catch {
                Issue.record("\(error)")
            }
            await server.stop()
            for backend in backends { await backend.stop() }
        }

        @Test func `the flags that it shows are those of the program`() async throws {
            let binary = try MartletServer.builtProduct("martlet")
            let blocks = try Self.blocks("ini", below: "On a VM") + Self.blocks("sh", below: "On a VM")
            let commands = blocks.joined(separator: "\n").replacing("\\\n", with: " ")
                .matches(of: #/martlet ((?:token )?[a-z]+)( --.*| https?://.*)/#)
            #expect(Set(commands.map { String($0.output.1) }) == ["up", "token create", "join"])
            for command in commands {
                let words = command.output.1.split(separator: " ").map(String.init)
                let help = try await Program.run(binary, words + ["--help"]).out
                let flags = command.output.2.matches(of: #/ (--[a-z-]+)/#).map { String($0.output.1) }
                #expect(!flags.isEmpty)
                for flag in flags { #expect(help.contains(flag), "\(command.output.1) \(flag)") }
            }
        }

        @Test func `the files that it links to are there`() throws {
            for link in try Self.readme.matches(of: #/\]\(([^)#:]+)\)/#) {
                let path = MartletServer.packageRoot.appending(path: String(link.output.1)).path
                #expect(FileManager.default.fileExists(atPath: path), "\(link.output.1)")
            }
        }

        @Test func `the variables that it names are read by the script behind make run`() throws {
            let script = try String(
                contentsOf: MartletServer.packageRoot.appending(path: "scripts/run.sh"), encoding: .utf8)
            let names = try Self.readme.matches(of: #/MARTLET_[A-Z_]+/#).map { String($0.output) }
            #expect(names.count >= 4)
            for name in names { #expect(script.contains("${\(name):-"), "\(name)") }
        }
    }
}
