import Foundation
import Glibc
import Testing

/// A network namespace with a loopback device, in which every address and port is free and packets can be dropped.
final class OwnNetwork: Sendable {
    /// Making one needs root and the commands `ip` and `iptables`.
    static let isAvailable = geteuid() == 0 && Program.find("ip") != nil && Program.find("iptables") != nil

    let name: String

    private init(name: String) { self.name = name }

    static func make() async throws -> OwnNetwork {
        let network = OwnNetwork(name: "martlet-e2e-\(UUID().uuidString.prefix(8))")
        try #require(try await Program.run("ip", ["netns", "add", network.name]).succeeded)
        try await network.run(["ip", "link", "set", "lo", "up"])
        return network
    }

    /// Takes its name away; it is gone when the last process in it is.
    func remove() async throws { _ = try await Program.run("ip", ["netns", "delete", name]) }

    func start(_ line: [String], environment: [String: String] = [:]) throws -> Program {
        try Program("ip", ["netns", "exec", name] + line, environment: environment)
    }

    @discardableResult
    func run(_ line: [String]) async throws -> Program.Output {
        try await start(line).ended()
    }

    /// Drops every packet to or from a TCP port, or lets them pass again. Nobody is told: it is as if a cable was cut.
    func dropPackets(port: Int, _ isDropping: Bool = true) async throws {
        for direction in ["--dport", "--sport"] {
            let output = try await run(
                ["iptables", isDropping ? "-A" : "-D", "INPUT", "-p", "tcp", direction, "\(port)", "-j", "DROP"])
            try #require(output.succeeded, "\(output)")
        }
    }
}
