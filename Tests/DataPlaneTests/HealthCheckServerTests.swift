import KubeModel
import Logging
import NetworkTypes
import TestSupport
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("A load balancer in front learns whether the node has endpoints", .timeLimit(.minutes(2)))
struct HealthCheckServerTests {
    private let node = NodeIdentity(name: "here", nodePortAddresses: [IPAddress("127.0.0.1")!])

    private func entry(port: UInt16, endpoints: [ServiceEndpoint]) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "shop", name: "edge"), clusterIPs: [IPAddress("10.96.0.1")!],
            externalTrafficPolicy: .local, healthCheckNodePort: Port(port),
            ports: [ServicePortEntry(port: 80, endpoints: endpoints), ServicePortEntry(port: 81, endpoints: endpoints)])
    }

    private func endpoint(_ ip: String, node: String?, isReady: Bool = true) -> ServiceEndpoint {
        ServiceEndpoint(
            address: SocketAddress(ip: IPAddress(ip)!, port: 80), isReady: isReady, isTerminating: !isReady,
            nodeName: node)
    }

    @Test func `ready endpoints on this node count, each address once`() {
        let answer = HealthCheckAnswer(
            entry(
                port: 32000,
                endpoints: [
                    endpoint("10.1.0.1", node: "here"), endpoint("10.1.0.2", node: "there"),
                    endpoint("10.1.0.3", node: "here", isReady: false), endpoint("127.0.0.9", node: nil),
                ]), on: node)
        #expect(answer.localEndpoints == 2)
        #expect(answer.response(isHealthy: true).status == 200)
        #expect(answer.response(isHealthy: true).headers["X-Load-Balancing-Endpoint-Weight"] == "2")
        let body = String(decoding: answer.response(isHealthy: true).body.joined(), as: UTF8.self)
        #expect(
            body
                == #"{"service":{"namespace":"shop","name":"edge"},"localEndpoints":2,"serviceProxyHealthy":true}"#)
        #expect(HealthCheckAnswer(service: answer.service, localEndpoints: 0).response(isHealthy: true).status == 503)
        #expect(answer.response(isHealthy: false).status == 503)
    }

    @Test func `the port is served while the Service has it`() async throws {
        let port: Port = 32_001
        let ip = try #require(IPAddress(OwnLoopback.address))
        let address = SocketAddress(ip: ip, port: port)
        let node = NodeIdentity(name: "here", nodePortAddresses: [ip])
        let loop = try EventLoop(name: "test")
        let state = TrafficState()
        let server = HealthCheckServer(state: state, loop: loop, node: node, logger: Logger(label: "test"))
        func ask() throws -> String {
            let socket = try BlockingSocket(address)
            try socket.send("GET /anything HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return String(decoding: try socket.receiveAll(), as: UTF8.self)
        }
        func eventually(_ condition: () -> Bool) async throws {
            while !condition() { try await Task.sleep(for: .milliseconds(5)) }
        }
        let key = NamespacedName(namespace: "shop", name: "edge")
        state.setService(key, entry(port: port.rawValue, endpoints: []))
        let running = Task { await server.run() }
        try await eventually { (try? ask().hasPrefix("HTTP/1.1 503 ")) == true }

        let slice = EndpointSlice(
            metadata: ObjectMeta(name: "edge-1", namespace: "shop", labels: ["kubernetes.io/service-name": "edge"]),
            addressType: "IPv4", endpoints: [Endpoint(addresses: ["10.1.0.1"], nodeName: "here")],
            ports: [EndpointPort(port: 8080)])
        state.setSlice(NamespacedName(slice.metadata), EndpointSliceEntry(slice))
        try await eventually { (try? ask().hasPrefix("HTTP/1.1 200 ")) == true }
        #expect(try ask().contains("X-Load-Balancing-Endpoint-Weight: 1"))

        await server.setNode(NodeIdentity(name: "elsewhere", nodePortAddresses: node.nodePortAddresses))
        try await eventually { (try? ask().hasPrefix("HTTP/1.1 503 ")) == true }

        state.setService(key, nil)
        try await eventually { (try? ask()) == nil }
        running.cancel()
        await running.value
        loop.stop()
    }
}
