import NetworkTypes
import Testing

@testable import Announcement

@Suite("Who announces an address") struct AnnouncerElectionTests {
    @Test(arguments: 0..<60)
    func `whatever happens, no address has two announcers, and when all is well each has one`(seed: Int) {
        var cluster = SimulatedCluster(seed: UInt64(seed), nodes: 2 + seed % 3, addresses: 6)
        cluster.run(until: 60)
        cluster.heal()
        cluster.run(until: 72)
        #expect(cluster.breaches.isEmpty)
        let announced = cluster.announced
        for (address, candidates) in cluster.wanted {
            if candidates.isEmpty {
                #expect(announced[address] == nil, "\(address) has no candidates")
            } else {
                #expect(announced[address].map { candidates.contains($0) } == true, "\(address) of \(candidates)")
            }
        }
        #expect(cluster.takeOvers > 0)
    }
}
