import TestSupport
import Testing

@testable import ProxyEngine

@Suite("The timer wheel") struct TimerWheelTests {
    private func expired(_ wheel: inout TimerWheel, now: Int64) -> Set<Int32> {
        var tokens: Set<Int32> = []
        while let token = wheel.popExpired(now: now) { tokens.insert(token) }
        return tokens
    }

    @Test func aDeadlineExpiresAtItsTickAndNotBefore() {
        var wheel = TimerWheel(now: 100)
        wheel.set(7, deadline: 105)
        #expect(expired(&wheel, now: 104).isEmpty)
        #expect(expired(&wheel, now: 105) == [7])
        #expect(expired(&wheel, now: 900).isEmpty)
    }

    @Test func aDeadlineCanBeMovedInBothDirectionsAndTakenAway() {
        var wheel = TimerWheel(now: 0)
        wheel.set(1, deadline: 10)
        wheel.set(1, deadline: 50)
        wheel.set(2, deadline: 60)
        wheel.set(2, deadline: 5)
        wheel.set(3, deadline: 5)
        wheel.clear(3)
        #expect(expired(&wheel, now: 20) == [2])
        #expect(expired(&wheel, now: 49).isEmpty)
        #expect(expired(&wheel, now: 50) == [1])
        #expect(wheel.filedCount == 0)
    }

    @Test func deadlinesBeyondATurnOfTheWheelWait() {
        var wheel = TimerWheel(now: 0)
        wheel.set(4, deadline: 5_000)
        for tick in stride(from: Int64(0), to: 5_000, by: 37) { #expect(expired(&wheel, now: tick).isEmpty) }
        #expect(expired(&wheel, now: 5_003) == [4])
    }

    @Test func itAgreesWithAPlainTableUnderRandomUse() {
        var generator = SeededRandom(seed: 42)
        var wheel = TimerWheel(now: 0)
        var model: [Int32: Int64] = [:]
        var now: Int64 = 0
        for _ in 0..<20_000 {
            let token = Int32(generator.next() % 300)
            switch generator.next() % 10 {
            case 0: wheel.clear(token); model[token] = nil
            case 1...6:
                let deadline = now + 1 + Int64(generator.next() % 2_000)
                wheel.set(token, deadline: deadline)
                model[token] = deadline
            default:
                now += Int64(generator.next() % (generator.next() % 50 == 0 ? 3_000 : 20))
                let due = Set(model.filter { $0.value <= now }.keys)
                #expect(expired(&wheel, now: now) == due)
                for token in due { model[token] = nil }
            }
        }
    }
}
