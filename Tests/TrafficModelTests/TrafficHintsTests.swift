import NetworkTypes
import Testing
import TrafficModel

@Suite("A node heeds hints about endpoints while they leave nobody without one")
struct TrafficHintsTests {
    /// The endpoint's number, its nodes, its zones, and whether it is ready.
    typealias Row = (number: Int, nodes: [String], zones: [String], isReady: Bool)

    private func chosen(_ rows: [Row], on node: NodeIdentity, _ policy: TrafficPolicy = .cluster) -> [Int] {
        let port = ServicePortEntry(
            port: 80,
            endpoints: rows.map { row in
                ServiceEndpoint(
                    address: SocketAddress(ip: IPAddress(v4: UInt32(row.number)), port: 80), isReady: row.isReady,
                    isServing: true, isTerminating: !row.isReady, nodeName: row.nodes.first ?? "n\(row.number)",
                    nodeHints: row.nodes, zoneHints: row.zones)
            })
        return port.usableEndpoints(policy: policy, on: node).map { Int($0.address.ip.low) }
    }

    @Test(
        arguments: [
            // Every one has a zone hint, one is for this zone.
            ([(1, [], ["a"], true), (2, [], ["b"], true)], "n9", "a", [1]),
            // None is for this zone; the node has no zone; one lacks a hint.
            ([(1, [], ["a"], true), (2, [], ["b"], true)], "n9", "c", [1, 2]),
            ([(1, [], ["a"], true), (2, [], ["b"], true)], "n9", nil, [1, 2]),
            ([(1, [], ["a"], true), (2, [], [], true)], "n9", "a", [1, 2]),
            // Nodes before zones, zones where no endpoint is on the node.
            ([(1, ["n1"], ["a"], true), (2, ["n2"], ["a"], true), (3, ["n3"], ["b"], true)], "n2", "a", [2]),
            ([(1, ["n1"], ["a"], true), (2, ["n2"], ["a"], true), (3, ["n3"], ["b"], true)], "n9", "a", [1, 2]),
            ([(1, ["n1"], [], true), (2, [], [], true)], "n1", "a", [1, 2]),
            // Only the hints of ready endpoints count.
            ([(1, [], ["a"], true), (2, [], [], false)], "n9", "a", [1]),
            ([(1, [], [], false), (2, [], ["b"], false)], "n9", "b", [1, 2]),
            // An endpoint may be for several zones.
            ([(1, [], ["a", "b"], true), (2, [], ["b"], true)], "n9", "b", [1, 2]),
        ] as [([Row], String, String?, [Int])])
    func `as Kubernetes 1.36 does`(rows: [Row], node: String, zone: String?, expected: [Int]) {
        #expect(chosen(rows, on: NodeIdentity(name: node, zone: zone)) == expected)
    }

    @Test func `the policy Local knows no hints`() {
        let rows: [Row] = [(1, ["n1"], ["a"], true), (2, ["n2"], ["b"], true)]
        #expect(chosen(rows, on: NodeIdentity(name: "n2", zone: "a"), .local) == [2])
    }
}
