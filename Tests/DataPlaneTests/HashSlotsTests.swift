import NetworkTypes
import Testing

@testable import DataPlane

@Suite("Slots lead to endpoints the same way everywhere, and few move") struct HashSlotsTests {
    private let endpoints = (1...10).map { SocketAddress("10.1.0.\($0):8080")! }

    @Test func `the order of the endpoints does not matter, and shares are even`() {
        let slots = HashSlots.fill(endpoints)
        #expect(slots == HashSlots.fill(endpoints.reversed()))
        var shares: [SocketAddress: Int] = [:]
        for endpoint in slots { shares[endpoint, default: 0] += 1 }
        #expect(shares.count == 10 && shares.values.allSatisfy { (30...75).contains($0) }, "\(shares)")
    }

    @Test func `only the slots of an endpoint that goes move`() {
        let (before, after) = (HashSlots.fill(endpoints), HashSlots.fill(Array(endpoints.dropLast())))
        for (old, new) in zip(before, after) where old != endpoints[9] { #expect(old == new) }
        #expect(!after.contains(endpoints[9]))
    }
}
