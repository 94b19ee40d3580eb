import Foundation
import System

/// FRRouting (zebra, bgpd and bfdd) as a router.
final class Frr: Sendable {
    private static let place = "/usr/lib/frr"

    /// Why it cannot be tested against here; nil where it can.
    static let whyNot: String? = {
        guard geteuid() == 0 else { return "namespaces need root" }
        for name in ["zebra", "bgpd", "bfdd"] where access("\(place)/\(name)", X_OK) != 0 {
            return "\(name) is not installed (frr)"
        }
        return CommandRun.find("vtysh") == nil ? "vtysh is not installed (frr)" : nil
    }()

    static let isAvailable: Bool = {
        guard let whyNot else { return true }
        print("tests with FRR are skipped: \(whyNot)")
        return false
    }()

    private let zebra: RouterProcess
    private let others: [RouterProcess]

    init(in namespace: Namespace, bgpd: String, bfdd: String = "") async throws {
        func start(_ name: String, _ text: String, _ more: (String) -> [String]) throws -> RouterProcess {
            try RouterProcess(
                "\(Self.place)/\(name)", in: namespace, files: ["\(name).conf": "log stdout\n" + text]
            ) { directory in
                [
                    "-f", "\(directory)/\(name).conf", "-i", "\(directory)/\(name).pid", "-A", "127.0.0.1", "-P", "0",
                ] + more(directory)
            }
        }
        let zebra = try start("zebra", "") { ["-z", "\($0)/zserv", "--vty_socket", $0] }
        self.zebra = zebra
        _ = await eventually { FileManager.default.fileExists(atPath: "\(zebra.directory)/zserv") }
        let shared = { (_: String) in ["-z", "\(zebra.directory)/zserv", "--vty_socket", zebra.directory] }
        let bfd = try start("bfdd", bfdd) { shared($0) + ["--bfdctl", "\($0)/control"] }
        _ = await eventually { FileManager.default.fileExists(atPath: "\(zebra.directory)/bfdd.vty") }
        others = [bfd, try start("bgpd", bgpd, shared)]
    }

    /// What a command prints; empty while FRR starts.
    func ask(_ command: String) -> String {
        (try? zebra.namespace.command(["vtysh", "--vty_socket", zebra.directory, "-c", command])) ?? ""
    }

    func route(_ prefix: String) -> String {
        ask("show bgp \(prefix.contains(":") ? "ipv6" : "ipv4") unicast \(prefix)")
    }

    func has(_ prefix: String) -> Bool {
        let text = route(prefix)
        return text.contains("BGP routing table entry for \(prefix)") && text.contains("best")
    }

    var log: String { ([zebra] + others).map(\.log).joined(separator: "\n") }

    /// Stops all of it, as if its machine had stopped: what is sent to it stays unanswered.
    func freeze() { for process in [zebra] + others { process.freeze() } }
    func thaw() { for process in [zebra] + others { process.thaw() } }
}
