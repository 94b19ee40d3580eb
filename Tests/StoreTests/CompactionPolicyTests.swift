import Store
import Testing

@Suite("What of history is dropped") struct CompactionPolicyTests {
    private func history(_ revisions: Int64, _ bytes: Int64 = 0) -> StoreHistory {
        StoreHistory(revisions: revisions, bytes: bytes)
    }

    @Test func `what is older than is kept goes, and nothing younger`() {
        var policy = CompactionPolicy(keptSeconds: 300)
        var compacted = Revision.initial
        var current = Revision(1)
        for now in stride(from: Int64(0), through: 1000, by: 5) {
            current = Revision(1 + now)
            let target = policy.target(
                now: now, current: current, compacted: compacted, history: history(current.rawValue - 1))
            if now < 300 { #expect(target == nil) }
            if let target {
                #expect(target.rawValue - 1 <= now - 300)
                compacted = target
            }
        }
        #expect(compacted == Revision(701))
    }

    @Test func `a server that has just started drops what is too much`() {
        var policy = CompactionPolicy(keptSeconds: 300)
        policy.maximumRevisions = 1000
        #expect(
            policy.target(now: 0, current: Revision(5001), compacted: Revision(10), history: history(4991))
                == Revision(4501))
        #expect(policy.target(now: 1, current: Revision(5001), compacted: Revision(4501), history: history(500)) == nil)
    }

    @Test func `few revisions of many bytes are too much too`() {
        var policy = CompactionPolicy(keptSeconds: 300)
        policy.maximumBytes = 1000
        #expect(
            policy.target(now: 0, current: Revision(101), compacted: .initial, history: history(100, 1001))
                == Revision(51))
    }

    @Test func `much that was deleted or replaced goes after seconds, more of it at the next look`() {
        var policy = CompactionPolicy(keptSeconds: 300)
        policy.maximumGarbageBytes = 1000
        let much = StoreHistory(revisions: 100, bytes: 0, garbageBytes: 1001)
        #expect(policy.target(now: 0, current: Revision(101), compacted: .initial, history: much) == nil)
        #expect(policy.target(now: 29, current: Revision(105), compacted: .initial, history: much) == nil)
        #expect(policy.target(now: 30, current: Revision(107), compacted: .initial, history: much) == Revision(101))
        let farTooMuch = StoreHistory(revisions: 100, bytes: 0, garbageBytes: 4004)
        #expect(
            policy.target(now: 35, current: Revision(120), compacted: .initial, history: farTooMuch) == Revision(105))
        let little = StoreHistory(revisions: 100, bytes: 5000, garbageBytes: 1000)
        #expect(policy.target(now: 40, current: Revision(130), compacted: Revision(105), history: little) == nil)
    }

    @Test func `a store at rest is left alone`() {
        var policy = CompactionPolicy(keptSeconds: 10)
        _ = policy.target(now: 0, current: Revision(7), compacted: .initial, history: history(6))
        #expect(policy.target(now: 10, current: Revision(7), compacted: .initial, history: history(6)) == Revision(7))
        for now in stride(from: Int64(11), to: 100, by: 1) {
            #expect(policy.target(now: now, current: Revision(7), compacted: Revision(7), history: history(0)) == nil)
        }
    }
}
