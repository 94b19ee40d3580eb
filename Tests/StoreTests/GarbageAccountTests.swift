import Testing

@testable import Store

@Suite("What only history needs") struct GarbageAccountTests {
    @Test func `a compaction takes what was made useless up to it`() {
        var account = GarbageAccount(bytes: 70, at: Revision(10), stepBytes: 1)
        #expect(account.bytes == 70)
        for revision in Int64(11)...20 { account.add(5, at: Revision(revision)) }
        #expect(account.bytes == 120)
        account.compact(to: Revision(9))
        #expect(account.bytes == 120)
        account.compact(to: Revision(15))
        #expect(account.bytes == 25)
        account.compact(to: Revision(20))
        #expect(account.bytes == 0)
    }

    @Test func `small writes share a step, and are never forgotten`() {
        var account = GarbageAccount(bytes: 0, at: .initial, stepBytes: 100)
        for revision in Int64(2)...1001 { account.add(1, at: Revision(revision)) }
        account.compact(to: Revision(500))
        // What is left is told too high, by less than a step.
        #expect((501...601).contains(account.bytes))
        account.compact(to: Revision(1001))
        #expect(account.bytes == 0)
    }
}
