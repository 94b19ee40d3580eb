import Foundation
import Glibc

/// `examples/shop` on addresses of its own, so that several test runs can share a machine.
struct ExampleShop {
    /// Second byte of all addresses: backends in 127.N.0.0/24, cluster IPs in 127.N.128.0/17, pool in 127.N.1.0/28.
    let network = Int.random(in: 100...250)
    let firstNodePort = Int.random(in: 20000...29000)
    let httpPort: Int
    let httpsPort: Int

    init() throws {
        httpPort = try Self.freePort()
        httpsPort = try Self.freePort()
    }

    var webAddresses: [String] { ["127.\(network).0.11", "127.\(network).0.12"] }
    var legacyAddress: String { "127.\(network).0.21" }
    var cartAddress: String { "127.\(network).0.31" }

    /// Arguments of `martlet` that give every part addresses of its own.
    var command: [String] {
        [
            "up", "--local-only", "--proxy-mode", "userspace", "--http-port", "\(httpPort)", "--https-port",
            "\(httpsPort)",
            "--service-cluster-ip-range", "127.\(network).128.0/17", "--service-node-port-range",
            "\(firstNodePort)-\(firstNodePort + 99)",
            "--ingress-controller", "martlet.dev/ingress", "--ingress-controller", "partner.example/ingress",
        ]
    }

    /// The manifests of the example with the addresses of this run.
    func manifests() throws -> String {
        let folder = MartletServer.packageRoot.appending(path: "examples/shop")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        let text = try names.sorted().map { try String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
        return text.joined(separator: "\n---\n")
            .replacing("127.0.11.1", with: webAddresses[0]).replacing("127.0.11.2", with: webAddresses[1])
            .replacing("127.0.12.1", with: legacyAddress).replacing("127.0.13.1", with: cartAddress)
            .replacing("127.97.0.0/28", with: "127.\(network).1.0/28")
            .replacing(#/, nodePort: \d+/#, with: "")
    }

    /// Starts the backends as processes.
    func startBackends() throws -> [Program] {
        let binary = try MartletServer.builtProduct("martlet")
        let backends = [
            ("web-1", webAddresses[0], 8001), ("web-2", webAddresses[1], 8001), ("legacy", legacyAddress, 8002),
            ("cart-1", cartAddress, 8003),
        ]
        return try backends.map { name, address, port in
            try Program(binary, ["echo", "--name", name, "--listen", "\(address):\(port)"])
        }
    }

    /// A TCP port nobody listens on. Somebody else may take it at any time, but hardly will.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard bound else { throw Program.Failure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
