import Testing

@testable import Transport

@Suite("How fast a client must take its answer") struct DeliveryPaceTests {
    private let period: Duration = .seconds(30)

    private func time(_ seconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

    @Test func `a peer that takes nothing is too slow after a period`() {
        var pace = DeliveryPace()
        let answer1 = pace.isTooSlow(pending: 500, sent: 0, period: period, now: time(0))
        #expect(!answer1)
        let answer2 = pace.isTooSlow(pending: 900, sent: 0, period: period, now: time(29))
        #expect(!answer2)
        let answer3 = pace.isTooSlow(pending: 900, sent: 0, period: period, now: time(30))
        #expect(answer3)
    }

    @Test func `a byte now and then is nothing`() {
        var pace = DeliveryPace()
        let verdicts = (0...40).map { second in
            pace.isTooSlow(pending: 1 << 20, sent: second, period: period, now: time(second))
        }
        #expect(verdicts.firstIndex(of: true) == 30)
    }

    @Test func `a slow peer that goes on is fast enough`() {
        var pace = DeliveryPace()
        for second in 0...600 {
            let answer4 = pace.isTooSlow(pending: 1 << 20, sent: second * 1024, period: period, now: time(second))
            #expect(!answer4)
        }
    }

    @Test func `small pieces that are all taken are fast enough, however little they are`() {
        var pace = DeliveryPace()
        for second in 0...600 {
            // At every look something new is on its way.
            let answer5 = pace.isTooSlow(pending: 200, sent: second * 200, period: period, now: time(second))
            #expect(!answer5)
        }
    }

    @Test func `silence is no slowness`() {
        var pace = DeliveryPace()
        let answer6 = pace.isTooSlow(pending: 10, sent: 0, period: period, now: time(0))
        #expect(!answer6)
        let answer7 = pace.isTooSlow(pending: 0, sent: 10, period: period, now: time(1))
        #expect(!answer7)
        let answer8 = pace.isTooSlow(pending: 10, sent: 10, period: period, now: time(3600))
        #expect(!answer8)
        let answer9 = pace.isTooSlow(pending: 10, sent: 10, period: period, now: time(3629))
        #expect(!answer9)
        let answer10 = pace.isTooSlow(pending: 10, sent: 10, period: period, now: time(3630))
        #expect(answer10)
    }
}
