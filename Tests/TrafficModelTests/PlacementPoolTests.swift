import NetworkTypes
import Testing

@testable import TrafficModel

@Suite("What endpoints have in common") struct PlacementPoolTests {
    private func placement(_ number: Int) -> EndpointPlacement { EndpointPlacement(nodeName: "node-\(number)") }

    @Test func `equal placements are one object`() {
        var pool = PlacementPool()
        let first = pool.share(EndpointPlacement(nodeName: "a", nodeHints: ["b"], zoneHints: ["z"]))
        let second = pool.share(EndpointPlacement(nodeName: "a", nodeHints: ["b"], zoneHints: ["z"]))
        let third = pool.share(EndpointPlacement(nodeName: "a", nodeHints: ["b"]))
        #expect(first != nil && first === second)
        #expect(first !== third && first != third)
        #expect(pool.count == 2)
    }

    @Test func `a placement that says nothing takes no room`() {
        var pool = PlacementPool()
        #expect(pool.share(EndpointPlacement()) == nil)
        #expect(pool.count == 0)
    }

    @Test func `placements that nobody has any more are forgotten, the others stay the same objects`() {
        var pool = PlacementPool()
        let kept = (0..<100).map { pool.share(placement($0)) }
        for number in 100..<50_000 { _ = pool.share(placement(number)) }
        #expect(pool.count <= 1024 + 2 * kept.count)
        for (number, object) in kept.enumerated() { #expect(pool.share(placement(number)) === object) }
    }
}
