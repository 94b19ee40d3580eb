import NetworkTypes
import Testing

@testable import Transport

@Suite("What is told of closed connections") struct CrowdingLedgerTests {
    private let peer = PeerKey(IPAddress("2001:db8::7") ?? .anyV6)

    private func time(_ seconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    @Test func `a burst is one line, and the next comes ten seconds later`() {
        var ledger = CrowdingLedger()
        #expect(ledger.note(.madeRoom, largest: (peer, 7), at: time(100)) == .seconds(1))
        for _ in 0..<1000 { #expect(ledger.note(.peerShare, largest: (peer, 5), at: time(100)) == nil) }
        let report = ledger.report(at: time(101))
        #expect(
            report.description
                == "connections closed for want of room: peer_share 1000, made_room 1; "
                + "most connections: 2001:db8::/64 with 7")
        #expect(ledger.note(.full, largest: nil, at: time(103)) == .seconds(8))
        #expect(ledger.report(at: time(111)).description == "connections closed for want of room: full 1")
        // After a long calm.
        #expect(ledger.note(.full, largest: nil, at: time(500)) == .seconds(1))
        #expect(ledger.counts[.full] == 2)
        #expect(ledger.counts.total == 1003)
    }

    @Test func `labels are reasons, and nothing that a client chooses`() {
        #expect(CrowdingReason.allCases.map(\.rawValue) == ["peer_share", "made_room", "full"])
    }
}
