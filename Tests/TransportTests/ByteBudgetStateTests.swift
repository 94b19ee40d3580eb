import NetworkTypes
import Testing

@testable import Transport

@Suite("A budget of bytes") struct ByteBudgetStateTests {
    @Test func `claims are granted while they fit, and wait in their order`() {
        var budget = ByteBudgetState(capacity: 10)
        let answer1 = budget.claim(6, id: 1)
        #expect(answer1 == .granted)
        let answer2 = budget.claim(6, id: 2)
        #expect(answer2 == .queued)
        // It would fit, and must not overtake.
        let answer3 = budget.claim(2, id: 3)
        #expect(answer3 == .queued)
        #expect(budget.held == 6)
        let answer4 = budget.release(6)
        #expect(answer4 == [2, 3])
        #expect(budget.held == 8)
        let answer5 = budget.release(8)
        #expect(answer5.isEmpty)
        #expect(budget.held == 0)
    }

    @Test func `a claim for more than everything is granted alone`() {
        var budget = ByteBudgetState(capacity: 10)
        let answer6 = budget.claim(50, id: 1)
        #expect(answer6 == .granted)
        let answer7 = budget.claim(1, id: 2)
        #expect(answer7 == .queued)
        let answer8 = budget.release(50)
        #expect(answer8 == [2])
    }

    @Test func `who no longer waits lets the next one through`() {
        var budget = ByteBudgetState(capacity: 10)
        let answer9 = budget.claim(8, id: 1)
        #expect(answer9 == .granted)
        let answer10 = budget.claim(9, id: 2)
        #expect(answer10 == .queued)
        let answer11 = budget.claim(2, id: 3)
        #expect(answer11 == .queued)
        let answer12 = budget.withdraw(2)
        #expect(answer12 == [3])
        let answer13 = budget.withdraw(2)
        #expect(answer13 == nil)
        let answer14 = budget.withdraw(1)
        #expect(answer14 == nil)
        #expect(budget.held == 10)
    }

    @Test(arguments: [nil, RequestSender(user: "a", peer: PeerKey(.loopbackV4))])
    func `when the last one who waited has gone, nobody waits for nothing`(sender: RequestSender?) {
        var budget = ByteBudgetState(capacity: 10)
        let answers = [budget.claim(10, id: 1), budget.claim(1, id: 2, by: sender)]
        #expect(answers == [.granted, .queued])
        let withdrawn = budget.withdraw(2, of: sender)
        #expect(withdrawn == [] && budget.waitingCount == 0)
        let released = budget.release(10)
        #expect(released.isEmpty)
        let last = budget.claim(1, id: 3, by: sender)
        #expect(last == .granted)
    }

    @Test func `among many senders claims are granted in their order, and each one once`() {
        var budget = ByteBudgetState(capacity: 100)
        let first = budget.claim(100, id: 0)
        #expect(first == .granted)
        for id in 1...90 {
            let sender = RequestSender(user: "s\(id % 7)", peer: PeerKey(.loopbackV4))
            let answer = budget.claim(1, id: UInt64(id), by: sender)
            #expect(answer == .queued)
        }
        let released = budget.release(100)
        #expect(released == Array(1...90))
        #expect(budget.waitingCount == 0 && budget.held == 90)
    }

    @Test func `a part that is not needed goes to who waits`() {
        var budget = ByteBudgetState(capacity: 10)
        let answer15 = budget.claim(10, id: 1)
        #expect(answer15 == .granted)
        let answer16 = budget.claim(4, id: 2)
        #expect(answer16 == .queued)
        let answer17 = budget.release(3)
        #expect(answer17.isEmpty)
        let answer18 = budget.release(1)
        #expect(answer18 == [2])
    }

    @Test func `one sender has half, and what it wants beyond keeps nobody waiting`() {
        let hog = RequestSender(user: "hog", peer: PeerKey(.loopbackV4))
        let other = RequestSender(user: "other", peer: PeerKey(.loopbackV4))
        let third = RequestSender(user: "third", peer: PeerKey(.loopbackV4))
        let local = RequestSender(user: "hog", peer: nil)
        var budget = ByteBudgetState(capacity: 16, maximumWaiting: 4)
        let answers = [
            budget.claim(4, id: 1, by: hog), budget.claim(4, id: 2, by: hog), budget.claim(4, id: 3, by: hog),
            budget.claim(1, id: 4, by: hog), budget.claim(1, id: 5, by: hog), budget.claim(5, id: 6, by: other),
            budget.claim(4, id: 7, by: third), budget.claim(1, id: 8, by: other), budget.claim(4, id: 9, by: local),
        ]
        // The fifth is more than half of those who may wait; the eighth would fit and must not overtake the seventh.
        #expect(
            answers == [.granted, .granted, .queued, .queued, .refused, .granted, .queued, .queued, .granted])
        #expect(budget.held == 17)
        let afterLocal = budget.release(4, of: local)
        #expect(afterLocal.isEmpty)
        let afterHog = budget.release(4, of: hog)
        // Its own place is the oldest wish, and there is room for it alone.
        #expect(afterHog == [3])
        let afterOther = budget.release(5, of: other)
        #expect(afterOther == [7, 8])
        let afterThird = budget.release(4, of: third)
        #expect(afterThird.isEmpty)
        let afterAll = budget.release(4, of: hog)
        #expect(afterAll == [4])
    }

    @Test func `no more wait than may`() {
        var budget = ByteBudgetState(capacity: 1, maximumWaiting: 2)
        let answer19 = budget.claim(1, id: 1)
        #expect(answer19 == .granted)
        let answer20 = budget.claim(1, id: 2)
        #expect(answer20 == .queued)
        let answer21 = budget.claim(1, id: 3)
        #expect(answer21 == .queued)
        let answer22 = budget.claim(1, id: 4)
        #expect(answer22 == .refused)
        #expect(budget.waitingCount == 2)
    }
}
