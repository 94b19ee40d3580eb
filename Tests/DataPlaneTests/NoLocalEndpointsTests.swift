import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Ports whose policy is Local and that have no endpoint here are counted") struct NoLocalEndpointsTests {
    @Test func `by policy, while they are so`() {
        let node = NodeIdentity(name: "here")
        func service(_ home: String?, inside: TrafficPolicy, outside: TrafficPolicy) -> ServiceEntry {
            let endpoints = home.map {
                [ServiceEndpoint(address: SocketAddress("10.1.0.1:80")!, nodeName: $0)]
            }
            return ServiceEntry(
                key: NamespacedName(namespace: "shop", name: "web"), externalTrafficPolicy: outside,
                internalTrafficPolicy: inside,
                ports: [ServicePortEntry(port: 80, nodePort: 30_080, endpoints: endpoints ?? [])])
        }
        var counts = NoLocalEndpoints()
        func total(_ entry: ServiceEntry?) -> [Int] {
            counts.take(
                [ServiceChange(key: NamespacedName(namespace: "shop", name: "web"), before: nil, after: entry)],
                on: node)
            return [counts.total.inside, counts.total.outside]
        }
        #expect(total(service("there", inside: .local, outside: .local)) == [1, 1])
        #expect(total(service("there", inside: .cluster, outside: .local)) == [0, 1])
        #expect(total(service("here", inside: .local, outside: .local)) == [0, 0])
        #expect(total(service(nil, inside: .local, outside: .local)) == [0, 0])
        #expect(total(service("there", inside: .local, outside: .cluster)) == [1, 0])
        #expect(total(nil) == [0, 0])
    }
}
