import KubeModel
import NetworkTypes
import Testing
import Transport

@testable import DataPlane

@Suite("Who makes room in the relay") struct RelaySharesTests {
    private func holder(_ service: String, _ peer: Int) -> RelayShares.Holder {
        .init(
            service: NamespacedName(namespace: "shop", name: service), peer: PeerKey(IPAddress(v4: UInt32(peer))))
    }

    private func place(_ number: Int) -> RelayShares.Place { .init(relay: number % 2, number: UInt64(number)) }

    private func shares(_ holders: [RelayShares.Holder]) -> RelayShares {
        var shares = RelayShares()
        for (number, holder) in holders.enumerated() { shares.take(place(number), for: holder) }
        return shares
    }

    @Test func `a peer that floods one Service makes room for others, there and elsewhere, and for its own elsewhere`()
    {
        var shares = shares([holder("a", 9)] + Array(repeating: holder("a", 1), count: 10))
        for newcomer in [holder("a", 2), holder("b", 2), holder("b", 1)] {
            let victim = shares.makeRoom(for: newcomer)
            #expect(victim?.holder == holder("a", 1))
        }
        #expect(shares.makeRoom(for: holder("a", 1)) == nil)
        #expect(shares.count == 8)
    }

    @Test func `its oldest goes first`() {
        var shares = shares(Array(repeating: holder("a", 1), count: 4))
        #expect(shares.makeRoom(for: holder("b", 2))?.place == place(0))
        #expect(shares.makeRoom(for: holder("b", 2))?.place == place(1))
    }

    @Test func `of many peers that crowd one Service, none with no more than the newcomer goes for its own Service`() {
        let crowd = (0..<100).map { holder("a", $0) }
        var shares = shares([holder("b", 500)] + crowd)
        #expect(shares.makeRoom(for: holder("a", 1000)) == nil)
        let victim = shares.makeRoom(for: holder("b", 1000))
        #expect(victim?.holder == holder("a", 0))
        #expect(victim?.place == place(1))
    }

    @Test func `what was given back is nobody's`() {
        var shares = shares([holder("a", 1), holder("a", 1), holder("a", 1)])
        for number in [0, 1, 1, 2] { shares.give(place(number)) }
        #expect(shares.count == 0)
        #expect(shares.makeRoom(for: holder("b", 2)) == nil)
    }

    @Test func `a crowd is told of a second after it began, then every ten, with the Services that it concerns most`() {
        var ledger = RelayCrowdingLedger()
        let start = MonotonicTime(nanoseconds: 0)
        #expect(ledger.note(.refused, of: holder("a", 1), held: 0, at: start) == .seconds(1))
        for number in 0..<1_000 {
            #expect(ledger.note(.ended, of: holder("s\(number)", 2), held: number, at: start) == nil)
        }
        #expect(ledger.note(.ended, of: holder("a", 1), held: 7, at: start) == nil)
        let report = ledger.report(at: start + .seconds(1))
        #expect(report.shares.count == RelayCrowdingLedger.told)
        #expect(report.shares.first?.service.name == "a")
        #expect(report.shares.first?.largestCount == 7)
        #expect(report.ended == 1_001 && report.refused == 1)
        #expect(ledger.note(.ended, of: holder("a", 1), held: 7, at: start + .seconds(2)) == .seconds(9))
    }
}
