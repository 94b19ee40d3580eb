import Foundation
import KubeModel
import NetworkTypes
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("A relayed connection ends when a peer vanishes without a word")
struct RelayLivenessTests {
    @Test(.enabled(if: NetworkNamespace.isAvailable, "needs root, ip, unshare and nsenter"))
    func `a client whose machine is gone does not stay for ever`() async throws {
        let namespace = try NetworkNamespace(number: 1)
        let loops = try EventLoop.group(count: 1, name: "test")
        let relays = ServiceRelayGroup(
            loops: loops,
            liveness: ConnectionLiveness(
                idle: .seconds(1), interval: .seconds(1), probes: 2, unacknowledged: .seconds(3)))
        let backend = try LineServer(name: "a")
        // The address is this namespace's alone: any port of it is free.
        let address = SocketAddress(ip: namespace.here, port: 8000)
        let key = FrontendKey(transport: .tcp, address: address)
        let port = ServicePortID(
            service: NamespacedName(namespace: "default", name: "web"), port: address.port, transport: .tcp)
        let frontend = Frontend(
            role: .externalIP, backend: ServiceBackendID(port: port, family: .v4, policy: .cluster),
            endpoints: [backend.address])
        #expect(await relays.apply([.set(key, frontend, replacing: nil)]).isEmpty)

        let output = Pipe()
        let client = try namespace.start(
            "bash", "-c",
            "exec 3<>/dev/tcp/\(address.ip)/\(address.port) && echo hi >&3 && head -n1 <&3 && exec sleep 600",
            output: output)
        defer { kill(client.processIdentifier, SIGKILL) }
        let answer = output.fileHandleForReading.availableData
        #expect(String(decoding: answer, as: UTF8.self) == "a hi\n")
        #expect(relays.counters.openConnections == 1)

        try namespace.goSilent()
        while relays.counters.openConnections > 0 { try await Task.sleep(for: .milliseconds(20)) }
        await relays.shutDown(grace: .zero)
    }
}
