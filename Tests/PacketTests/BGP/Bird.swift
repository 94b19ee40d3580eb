import Foundation
import System

/// BIRD 2 as a router.
final class Bird: Sendable {
    /// Why it cannot be tested against here; nil where it can.
    static let whyNot: String? = {
        guard geteuid() == 0 else { return "namespaces need root" }
        for name in ["bird", "birdc"] where CommandRun.find(name) == nil { return "\(name) is not installed (bird2)" }
        return nil
    }()

    static let isAvailable: Bool = {
        guard let whyNot else { return true }
        print("tests with BIRD are skipped: \(whyNot)")
        return false
    }()

    private let process: RouterProcess

    /// `configuration` follows what every router needs: routes go into the kernel, with as many ways as there are.
    init(in namespace: Namespace, identifier: String = "10.90.0.1", _ configuration: String) throws {
        let text = """
            router id \(identifier);
            log stderr all;
            debug protocols { states, events };
            protocol device { scan time 1; }
            protocol kernel { ipv4 { export all; }; merge paths on; persist; }
            protocol kernel { ipv6 { export all; }; merge paths on; persist; }
            \(configuration)
            """
        process = try RouterProcess(
            CommandRun.find("bird") ?? "bird", in: namespace, files: ["bird.conf": text]
        ) { ["-f", "-c", "\($0)/bird.conf", "-s", "\($0)/socket"] }
    }

    /// What a command prints; empty while BIRD starts.
    func ask(_ command: String) -> String {
        (try? process.namespace.command(
            ["birdc", "-s", "\(process.directory)/socket"] + command.split(separator: " ").map(String.init))) ?? ""
    }

    /// What it knows of a prefix, with attributes.
    func route(_ prefix: String) -> String { ask("show route for \(prefix) all") }

    func has(_ prefix: String) -> Bool { ask("show route \(prefix)").contains(prefix) }

    var log: String { process.log }
    func freeze() { process.freeze() }
    func thaw() { process.thaw() }
}
