import KubeModel
import NetworkTypes
import Testing
import TrafficModel

/// What the figures of the data plane's memory rest on.
@Suite("The memory of endpoints") struct EndpointMemoryTests {
    private func place(_ endpoints: [ServiceEndpoint]) -> UnsafePointer<ServiceEndpoint>? {
        endpoints.withUnsafeBufferPointer { $0.baseAddress }
    }

    private func table(_ slices: [EndpointSlice], ports: [ServicePort]? = nil) -> ServiceTable {
        ServiceTable(services: [Sample.service("web", ports: ports)], slices: slices)
    }

    @Test func `an endpoint has 32 bytes`() {
        #expect(MemoryLayout<ServiceEndpoint>.stride == 32)
        #expect(MemoryLayout<SocketAddress>.stride == 24)
    }

    @Test func `a Service of one slice has no endpoints of its own, but those of the slice`() throws {
        let table = table([Sample.slice("1", of: "web", [Sample.endpoint("10.1.0.2"), Sample.endpoint("10.1.0.1")])])
        let service = try #require(table[Sample.key("web")])
        let slice = try #require(table.slices(of: Sample.key("web")).first)
        #expect(service.ports[0].endpoints.map(\.address.description) == ["10.1.0.1:8080", "10.1.0.2:8080"])
        #expect(place(service.ports[0].endpoints) == place(slice.endpoints))
    }

    @Test func `each port of a slice has its own number`() throws {
        let ports = [
            ServicePort(name: "a", port: 80), ServicePort(name: "b", port: 81), ServicePort(name: "c", port: 82),
        ]
        let slice = Sample.slice(
            "1", of: "web",
            ports: [EndpointPort(name: "a", port: 1), EndpointPort(name: "b", port: 2), EndpointPort(name: "c")],
            [Sample.endpoint("10.1.0.1")])
        let service = try #require(table([slice], ports: ports)[Sample.key("web")])
        // Without a number the Service's own.
        #expect(
            service.ports.map { $0.endpoints.map(\.address.description) } == [
                ["10.1.0.1:1"], ["10.1.0.1:2"], ["10.1.0.1:82"],
            ])
    }

    @Test func `endpoints of several slices are in order, each once`() throws {
        let table = table([
            Sample.slice("2", of: "web", [Sample.endpoint("10.1.0.3"), Sample.endpoint("10.1.0.1", ready: false)]),
            Sample.slice("1", of: "web", [Sample.endpoint("10.1.0.2"), Sample.endpoint("10.1.0.1")]),
        ])
        let endpoints = try #require(table[Sample.key("web")]).ports[0].endpoints
        #expect(
            endpoints.map(\.address.description) == ["10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080"])
        #expect(endpoints[0].isReady)
    }

    @Test func `an endpoint that is in its slice twice counts once with its best state, and where it runs is known`()
        throws
    {
        let slice = Sample.slice(
            "1", of: "web",
            [
                Sample.endpoint("10.1.0.1", ready: false, node: "node-1"),
                Sample.endpoint("10.1.0.1", node: "node-2"),
            ])
        let endpoints = try #require(table([slice])[Sample.key("web")]).ports[0].endpoints
        #expect(endpoints.map(\.nodeName) == ["node-2"])
        #expect(endpoints[0].isReady)
    }
}
