import Foundation
import NetworkTypes

/// A network namespace with a pair of virtual Ethernet devices to ours, made for one test and gone with its process.
final class NetworkNamespace {
    struct Failure: Error { let command: String }

    /// Making one needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and iproute2 and util-linux.
    static let isAvailable: Bool =
        geteuid() == 0
        && ["ip", "unshare", "nsenter"].allSatisfy { tool in
            ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].contains { access("\($0)/\(tool)", X_OK) == 0 }
        }

    /// Our end and the other end of the pair.
    let here: IPAddress
    let there: IPAddress
    private let holder: Process
    private let device: String

    /// - Parameter number: tells namespaces of one machine apart, 0 to 63.
    init(number: Int) throws {
        device = "dataplane\(number)"
        here = IPAddress("10.213.77.\(number * 4 + 1)")!
        there = IPAddress("10.213.77.\(number * 4 + 2)")!
        holder = Process()
        holder.executableURL = URL(filePath: "/usr/bin/env")
        holder.arguments = ["unshare", "--net", "sleep", "600"]
        try holder.run()
        // The namespace is there once the process has become sleep.
        while try String(contentsOfFile: "/proc/\(holder.processIdentifier)/comm", encoding: .utf8) != "sleep\n" {
            usleep(1000)
        }
        try run(
            "ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", "\(holder.processIdentifier)")
        try run("ip", "addr", "add", "\(here)/30", "dev", device)
        try run("ip", "link", "set", device, "up")
        try inside("ip", "addr", "add", "\(there)/30", "dev", "eth0")
        try inside("ip", "link", "set", "eth0", "up")
    }

    deinit {
        // The pair at once: a socket that is still closing would keep the namespace, and its end, for minutes.
        try? run("ip", "link", "del", device)
        // Programs started from a test may have SIGTERM blocked.
        kill(holder.processIdentifier, SIGKILL)
        holder.waitUntilExit()
    }

    /// Starts a program inside.
    func start(_ arguments: String..., output: Pipe? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["nsenter", "--net=/proc/\(holder.processIdentifier)/ns/net"] + arguments
        if let output { process.standardOutput = output }
        try process.run()
        return process
    }

    /// From now on nothing from there arrives here, and nobody is told.
    ///
    /// The other end loses its address: packets still leave here and are dropped there. A link that is down would be
    /// noticed by our own kernel, which does not count what it could not send as a question without an answer.
    func goSilent() throws { try inside("ip", "addr", "del", "\(there)/30", "dev", "eth0") }

    private func inside(_ arguments: String...) throws {
        try run(["nsenter", "--net=/proc/\(holder.processIdentifier)/ns/net"] + arguments)
    }

    private func run(_ arguments: String...) throws { try run(arguments) }

    private func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(command: arguments.joined(separator: " ")) }
    }
}
