import Foundation
import Glibc
import Testing

/// `martlet up` as root in a network of its own, that forwards, so that Services are enforced in the kernel.
struct KernelServer: Sendable {
    let network: OwnNetwork
    let server: MartletServer

    /// Runs `body` with a server and stops it afterwards, however that ends.
    static func with(
        flags: [String] = [], environment: [String: String] = [:],
        prepare: (OwnNetwork) async throws -> Void = { _ in },
        _ body: (KernelServer) async throws -> Void
    ) async throws {
        let network = try await OwnNetwork.make()
        let outcome: Result<Void, any Error>
        do {
            // A new namespace begins with the settings of the machine, whatever they are.
            let settings = "echo 1 > ip_forward; echo 0 > conf/all/route_localnet"
            try await network.run(["sh", "-c", "cd /proc/sys/net/ipv4 && { \(settings); }"])
            try await prepare(network)
            let server = try await MartletServer.start(["up"] + flags, network: network, environment: environment)
            do {
                try await body(KernelServer(network: network, server: server))
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await server.stop()
        } catch {
            try await network.remove()
            throw error
        }
        try await network.remove()
        try outcome.get()
    }

    /// Sends a document to the API.
    func send(_ method: String, _ path: String, _ document: String) async throws {
        let type = method == "PATCH" ? "application/merge-patch+json" : "application/json"
        let output = try await Program.run(
            "curl",
            [
                "--silent", "--fail-with-body", "--unix-socket", server.file("api.sock"), "-X", method, "-H",
                "Content-Type: \(type)", "--data", document, "http://localhost\(path)",
            ])
        try #require(output.succeeded, "\(output)")
    }

    func get(_ path: String) async throws -> String {
        try await Program.run("curl", ["-s", "--unix-socket", server.file("api.sock"), "http://localhost\(path)"]).out
    }

    /// A Service with a slice of endpoints.
    ///
    /// - Parameters:
    ///   - spec: fields of the spec, in JSON, without its braces.
    ///   - ports: of the slice, in JSON.
    func service(_ name: String, spec: String, ports: String, endpoints: [String]) async throws {
        try await send(
            "POST", "/api/v1/namespaces/default/services", #"{"metadata":{"name":"\#(name)"},"spec":{\#(spec)}}"#)
        let addresses = endpoints.map { #"{"addresses":["\#($0)"]}"# }.joined(separator: ",")
        try await send(
            "POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            #"{"metadata":{"name":"\#(name)-1","labels":{"kubernetes.io/service-name":"\#(name)"}},"#
                + #""addressType":"IPv4","ports":[\#(ports)],"endpoints":[\#(addresses)]}"#)
    }

    /// What a new connection to an address gets, empty for nothing.
    func ask(_ address: String, seconds: Int = 5) async throws -> String {
        try await network.run(["curl", "--silent", "--max-time", "\(seconds)", "http://\(address)/"]).out
    }

    func log() throws -> String { try String(contentsOfFile: server.file("logs/dataplane.log"), encoding: .utf8) }

    /// The data plane's process, which has the server's directory in its arguments.
    var dataPlane: pid_t? {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.first { pid in
            // Processes may end while we look.
            guard let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8) else { return false }
            let words = line.split(separator: "\0")
            return words.dropFirst().first == "dataplane" && line.contains(server.directory.path)
        }
    }

    /// Ends the data plane as the kernel does it, and waits for the next one.
    func killDataPlane() async throws {
        let first = try #require(dataPlane)
        kill(first, SIGKILL)
        try await eventually(within: .seconds(60), "the next data plane") { dataPlane.map { $0 != first } ?? false }
    }
}
