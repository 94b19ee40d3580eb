import Foundation
import Glibc
import Testing

/// A running `martlet up` with ports of its own, and the backends (`martlet echo`) that a test gives it.
final class Family: Sendable {
    let server: MartletServer
    let httpPort: UInt16
    let httpsPort: UInt16
    let nodePort: UInt16

    static func start(_ flags: [String] = [], in directory: URL? = nil) async throws -> Family {
        let ports = try freePorts(3)
        let server = try await MartletServer.start(
            // Only one at a time can be in the kernel.
            [
                "up", "--local-only", "--proxy-mode", "userspace", "--http-port", "\(ports[0])", "--https-port",
                "\(ports[1])",
            ] + flags, in: directory)
        let family = Family(server: server, ports: ports)
        do {
            try await eventually(within: .seconds(60), "every process to be ready") {
                guard server.program.isRunning else {
                    throw Program.Failure(description: "martlet up ended\n\(server.program.output)")
                }
                return server.program.output.out.contains("martlet is ready")
            }
        } catch {
            await server.stop()
            throw error
        }
        return family
    }

    private init(server: MartletServer, ports: [UInt16]) {
        self.server = server
        httpPort = ports[0]
        httpsPort = ports[1]
        nodePort = 31000 + ports[2] % 1000
    }

    func stop(keepingData: Bool = false) async { await server.stop(keepingData: keepingData) }

    /// Starts a backend on a port of an address; on a free one where none is given.
    func backend(
        _ name: String, on address: String = "127.0.0.1", port: UInt16? = nil, flags: [String] = []
    ) async throws -> Backend {
        let port = try port ?? Self.freePorts(1)[0]
        let program = try Program(
            server.binary, ["echo", "--name", name, "--listen", "\(address):\(port)"] + flags)
        try await eventually(within: .seconds(20), "backend \(name)") { program.output.out.contains("serving HTTP") }
        return Backend(name: name, address: address, port: port, program: program)
    }

    /// The body of an answer of the L7 proxy, or nil when there was none with a status below 400.
    func get(_ host: String, _ path: String = "/") async throws -> String? {
        try await curl("-H", "Host: \(host)", "http://127.0.0.1:\(httpPort)\(path)")
    }

    /// The body of an answer, or nil when curl failed.
    func curl(_ arguments: String...) async throws -> String? {
        let output = try await Program.run(
            "curl", ["--silent", "--fail", "--max-time", "10"] + arguments)
        return output.succeeded ? output.out.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    func apply(_ manifest: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let output = try await server.tryKubectl(["apply", "-f", "-"], input: manifest)
        try #require(output.succeeded, "\(output)", sourceLocation: sourceLocation)
    }

    /// TCP ports that were free at this moment.
    static func freePorts(_ count: Int) throws -> [UInt16] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            descriptors.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
                }
            }
            try #require(result)
            return UInt16(bigEndian: address.sin_port)
        }
    }
}

/// A running `martlet echo`.
struct Backend: Sendable {
    let name: String
    let address: String
    let port: UInt16
    let program: Program

    /// A Pod that registers it, with a readiness probe.
    func pod(namespace: String = "default", labels: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(name)
          namespace: \(namespace)
          labels: {\(labels)}
          annotations: {traffic.martlet.dev/address: "\(address)"}
        spec:
          containers:
          - name: main
            image: none
            ports: [{name: http, containerPort: \(port)}]
            readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}

        """
    }
}
