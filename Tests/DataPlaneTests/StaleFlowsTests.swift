import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("A change ends the UDP flows that it makes wrong")
struct StaleFlowsTests {
    private let a = SocketAddress("10.0.0.1:53")!
    private let b = SocketAddress("10.0.0.2:53")!

    private func frontend(_ endpoints: [SocketAddress], _ ranges: SourceRanges = .everyone) -> Frontend {
        let port = ServicePortID(
            service: NamespacedName(namespace: "default", name: "dns"), port: 53, transport: .udp)
        return Frontend(
            role: .clusterIP, backend: ServiceBackendID(port: port, family: .v4, policy: .cluster),
            endpoints: endpoints, sourceRanges: ranges)
    }

    private func key(_ transport: TransportProtocol = .udp) -> FrontendKey {
        FrontendKey(transport: transport, address: SocketAddress("10.96.0.10:53")!)
    }

    @Test func `those to endpoints that are gone`() {
        #expect(StaleFlows(.set(key(), frontend([b]), replacing: frontend([a, b]))) == .toEndpoints([a]))
        #expect(StaleFlows(.set(key(), frontend([a, b]), replacing: frontend([a]))) == .none)
    }

    @Test func `all of an address that comes, goes, or changes its guard`() {
        #expect(StaleFlows(.set(key(), frontend([a]), replacing: nil)) == .all)
        #expect(StaleFlows(.set(key(), frontend([a]), replacing: frontend([]))) == .all)
        #expect(StaleFlows(.set(key(), frontend([]), replacing: frontend([a]))) == .all)
        #expect(StaleFlows(.remove(key(), frontend([a]))) == .all)
        #expect(StaleFlows(.set(key(), frontend([a], .only([])), replacing: frontend([a]))) == .all)
    }

    @Test func `none of TCP`() {
        #expect(StaleFlows(.remove(key(.tcp), frontend([a]))) == .none)
        #expect(StaleFlows(.set(key(.tcp), frontend([b]), replacing: frontend([a]))) == .none)
    }
}
