import Foundation
import Testing

extension EndToEnd {
    /// What the kernel says of the real processes.
    @Suite(
        "Root's processes keep what they need, and nothing else", .serialized, .timeLimit(.minutes(5)),
        .enabled(if: OwnNetwork.isAvailable, "needs root, ip and iptables"))
    struct PrivilegeTests {
        /// CAP_NET_BIND_SERVICE, CAP_NET_ADMIN and CAP_NET_RAW, the supervisor CAP_SETPCAP too; the others nothing.
        private static let kept: [String: UInt64] = ["up": 0x3500, "dataplane": 0x3400]

        /// The processes of a family: the supervisor's, and its children's by subcommand.
        private func processes(_ server: MartletServer) -> [String: [String]] {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            var found: [String: [String]] = [:]
            for pid in entries where Int(pid) != nil {
                // Processes may end while we look.
                guard let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8),
                    line.contains(server.directory.path), line.hasPrefix(server.binary)
                else { continue }
                let words = line.split(separator: "\0")
                guard words.count > 1 else { continue }
                found[String(words[1]), default: []].append(pid)
            }
            return found
        }

        @Test(arguments: ["auto", "iptables", "userspace"])
        func `every thread of every process`(mode: String) async throws {
            try await KernelServer.with(flags: ["--proxy-mode", mode]) { kernel in
                try await eventually(within: .seconds(60), "the data plane") {
                    // There is no log before there is a data plane.
                    (try? kernel.log())?.contains("Services are enforced") == true
                }
                let processes = processes(kernel.server)
                #expect(processes.keys.sorted() == ["apiserver", "controller", "dataplane", "up"])
                for (name, pids) in processes {
                    let kept = Self.kept[name] ?? 0
                    for pid in pids {
                        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task") {
                            // A thread may end while we look.
                            guard
                                let status = try? String(
                                    contentsOfFile: "/proc/\(pid)/task/\(thread)/status", encoding: .utf8)
                            else { continue }
                            func value(_ key: String) -> UInt64? {
                                let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") }
                                return line?.split(whereSeparator: \.isWhitespace).last.flatMap {
                                    UInt64($0, radix: 16)
                                }
                            }
                            for set in ["CapEff", "CapPrm", "CapBnd"] {
                                #expect(value(set) == kept, "\(name), thread \(thread): \(set)\n\(status)")
                            }
                            #expect(value("CapInh") == 0 && value("CapAmb") == 0, "\(name), thread \(thread)")
                            #expect(value("NoNewPrivs") == 1, "\(name), thread \(thread)")
                        }
                    }
                }
            }
        }
    }
}
