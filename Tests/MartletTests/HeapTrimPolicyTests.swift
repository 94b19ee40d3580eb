import Testing

@testable import martlet

@Suite("When memory is given back") struct HeapTrimPolicyTests {
    @Test func `memory that stays free goes back, once`() {
        var policy = HeapTrimPolicy()
        let answers = (0..<4).map { _ in policy.look(resident: 600 << 20, used: 35 << 20) }
        #expect(answers == [false, true, false, true])
    }

    @Test func `a burst that goes on keeps its memory`() {
        var policy = HeapTrimPolicy()
        let answers = [
            policy.look(resident: 600 << 20, used: 35 << 20), policy.look(resident: 600 << 20, used: 580 << 20),
            policy.look(resident: 600 << 20, used: 35 << 20), policy.look(resident: 600 << 20, used: 590 << 20),
        ]
        #expect(answers == [false, false, false, false])
    }

    @Test(arguments: [(20 << 20, 10 << 20), (30 << 20, 20 << 20), (1200 << 20, 1000 << 20), (10 << 20, 20 << 20)])
    func `what is free in the ordinary way is left alone`(resident: Int, used: Int) {
        var policy = HeapTrimPolicy()
        let answers = (0..<4).map { _ in policy.look(resident: resident, used: used) }
        #expect(!answers.contains(true))
    }

    @Test func `the process knows what it occupies`() throws {
        let anonymous = try #require(HeapTrimmer.anonymousBytes())
        #expect(anonymous > 1 << 20)
        #expect(anonymous < 1 << 40)
    }
}
