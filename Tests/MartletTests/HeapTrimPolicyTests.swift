import Glibc
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

    @Test func `what a burst of a real process leaves behind goes back to the kernel`() throws {
        let megabytes = 192
        // Small blocks below one that stays: glibc keeps all of them.
        var blocks = (0..<(megabytes << 10)).map { _ -> UnsafeMutableRawPointer? in
            let block = malloc(1000)
            if let block { memset(block, 1, 1000) }
            return block
        }
        let last = blocks.removeLast()
        defer { free(last) }
        let during = try #require(HeapTrimmer.anonymousBytes())
        for block in blocks { free(block) }
        var policy = HeapTrimPolicy()
        var looks = 0
        var hasTrimmed = false
        // A burst of other tests may come in between.
        while !hasTrimmed {
            let answer = HeapTrimmer.look(&policy)
            hasTrimmed = try #require(answer as Bool?)
            looks += 1
            try #require(looks < 1000, "\(megabytes) MiB are free, and nobody gives them back")
        }
        let after = try #require(HeapTrimmer.anonymousBytes())
        #expect(during - after > megabytes << 19, "\(during >> 20) MiB, then \(after >> 20) MiB")
    }

    @Test func `the process knows what it occupies`() throws {
        let anonymous = try #require(HeapTrimmer.anonymousBytes())
        #expect(anonymous > 1 << 20)
        #expect(anonymous < 1 << 40)
    }
}
