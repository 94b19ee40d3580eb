import NetworkTypes
import Testing
import Transport

@testable import APIServer

@Suite("Turns of senders") struct SenderTurnsTests {
    private static let hog = RequestSender(user: "hog", peer: nil)
    private static let other = RequestSender(user: "other", peer: nil)

    @Test func `one sender has half of the threads, and those who wait take turns`() {
        var turns = SenderTurns<Int>(threads: 4)
        for job in 1...4 { turns.add(job, of: Self.hog) }
        var begun: [Int] = []
        while let next = turns.next() { begun.append(next.job) }
        #expect(begun == [1, 2])
        for job in 5...7 { turns.add(job, of: Self.other) }
        while let next = turns.next() { begun.append(next.job) }
        #expect(begun == [1, 2, 5, 6])
        turns.end(of: Self.other)
        #expect(turns.next()?.job == 7)
        turns.end(of: Self.hog)
        turns.end(of: Self.other)
        #expect(turns.next()?.job == 3)
        #expect(turns.next() == nil)
        #expect(turns.removeWaiting() == [4])
        turns.end(of: Self.hog)
        #expect(turns.next() == nil)
    }
}
