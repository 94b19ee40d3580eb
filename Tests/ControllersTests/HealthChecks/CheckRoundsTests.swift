import KubeModel
import TestSupport
import Testing

@testable import Controllers

@Suite("When endpoints are checked, and what results come to") struct CheckRoundsTests {
    private static let service = NamespacedName(namespace: "default", name: "web")
    private static let pace = CheckRounds.Pace(
        period: .seconds(10), timeout: .seconds(1), successThreshold: 2, failureThreshold: 3)

    private static func target(_ number: Int) -> ProbeTarget {
        ProbeTarget(host: "10.0.\(number / 250).\(number % 250 + 1)", port: 80, check: .tcp)
    }

    private var dice = SeededRandom(seed: 7)

    /// The next check of the only target, however long that takes.
    private mutating func next(_ rounds: inout CheckRounds, _ time: inout Duration) -> CheckRounds.Due? {
        for _ in 0..<1000 {
            time += CheckRounds.tick
            if let due = rounds.due(at: time).first { return due }
        }
        return nil
    }

    private mutating func feed(
        _ results: String, known isHealthy: Bool
    ) throws -> [(at: Int, turn: CheckRounds.Turn)] {
        var rounds = CheckRounds()
        var time = Duration.zero
        rounds.set([Self.target(0): isHealthy], Self.pace, for: Self.service, at: time, using: &dice)
        var turns: [(at: Int, turn: CheckRounds.Turn)] = []
        for (index, result) in results.enumerated() {
            let found = next(&rounds, &time)
            let due = try #require(found)
            let turn = rounds.note(result == "+" ? nil : "refused", of: due, at: time, using: &dice)
            if let turn { turns.append((index, turn)) }
        }
        return turns
    }

    @Test mutating func `it takes failures in a row to fall and successes in a row to return`() throws {
        let turns = try feed("--+---+-++---", known: true)
        #expect(turns.map(\.at) == [5, 9, 12])
        #expect(turns.map(\.turn) == [.failed("refused"), .recovered, .failed("refused")])
        // What an earlier run knew to be unhealthy has to pass first, and its failures are no news.
        let old = try feed("---", known: false)
        #expect(old.isEmpty)
        let back = try feed("-++", known: false)
        #expect(back.map(\.at) == [2])
    }

    @Test mutating func `checks spread over the period and keep near it`() throws {
        var rounds = CheckRounds()
        let targets = Dictionary(uniqueKeysWithValues: (0..<1000).map { (Self.target($0), true) })
        rounds.set(targets, Self.pace, for: Self.service, at: .zero, using: &dice)
        var bySecond: [Int: Int] = [:]
        var times: [ProbeTarget: [Duration]] = [:]
        for tick in 0..<500 {
            let now = CheckRounds.tick * tick
            while true {
                let due = rounds.due(at: now)
                for item in due {
                    times[item.key.target, default: []].append(now)
                    let turn = rounds.note(nil, of: item, at: now, using: &dice)
                    #expect(turn == nil)
                }
                if due.isEmpty { break }
            }
            if tick < 100 { bySecond[tick / 10] = times.count }
        }
        // A tenth of them in each second of the first period, more or less.
        for second in 1..<10 {
            let started = (bySecond[second] ?? 0) - (bySecond[second - 1] ?? 0)
            #expect((60...140).contains(started), "second \(second): \(started)")
        }
        #expect(times.count == 1000)
        for moments in times.values {
            for (earlier, later) in zip(moments, moments.dropFirst()) {
                #expect((Duration.milliseconds(8900)...Duration.milliseconds(11_300)).contains(later - earlier))
            }
        }
    }

    private static func targets(_ range: Range<Int>) -> [ProbeTarget: Bool] {
        Dictionary(uniqueKeysWithValues: range.map { (target($0), true) })
    }

    @Test mutating func `only so many are under way, of one Service and of all, and the others wait`() {
        var rounds = CheckRounds(
            limits: CheckRounds.Limits(targets: 72, underWay: 20, underWayOfService: 4))
        let other = NamespacedName(namespace: "default", name: "other")
        let third = NamespacedName(namespace: "default", name: "third")
        var refused: [Int] = []
        for (service, range) in [(Self.service, 0..<15), (other, 15..<30), (third, 30..<45)] {
            refused.append(rounds.set(Self.targets(range), Self.pace, for: service, at: .zero, using: &dice))
        }
        // No more targets than there is room for: half, for one namespace.
        #expect(refused == [0, 0, 9])
        var underWay: [CheckRounds.Due] = []
        var time = Duration.zero
        for _ in 0..<200 {
            time += CheckRounds.tick
            underWay += rounds.due(at: time)
        }
        #expect(underWay.count == 10)
        for service in [Self.service, other, third] {
            #expect(underWay.count { $0.key.service == service } <= 4)
        }
        // Everybody has his turn.
        var seen = Set(underWay.map(\.key))
        for _ in 0..<2000 where seen.count < 36 {
            time += CheckRounds.tick
            for item in underWay { _ = rounds.note(nil, of: item, at: time, using: &dice) }
            underWay = rounds.due(at: time)
            seen.formUnion(underWay.map(\.key))
        }
        #expect(seen.count == 36)
    }

    @Test mutating func `a namespace whose endpoints never answer does not keep others from being checked`() {
        var rounds = CheckRounds(limits: CheckRounds.Limits(targets: 400, underWay: 16, underWayOfService: 4))
        for number in 0..<10 {
            rounds.set(
                Self.targets(number * 20..<number * 20 + 20), Self.pace,
                for: NamespacedName(namespace: "greedy", name: "s\(number)"), at: .zero, using: &dice)
        }
        var time = Duration.zero
        var stuck = 0
        for _ in 0..<200 {
            time += CheckRounds.tick
            stuck += rounds.due(at: time).count
        }
        #expect(stuck == 8)
        let refused = rounds.set(Self.targets(0..<40), Self.pace, for: Self.service, at: time, using: &dice)
        #expect(refused == 0)
        var seen: Set<CheckRounds.Key> = []
        for _ in 0..<200 {
            time += CheckRounds.tick
            for item in rounds.due(at: time) where item.key.service == Self.service {
                seen.insert(item.key)
                _ = rounds.note(nil, of: item, at: time, using: &dice)
            }
        }
        #expect(seen.count == 40)
    }

    @Test mutating func `a check that is changed again and again leaves nothing behind`() {
        var rounds = CheckRounds()
        var slow = Self.pace
        for number in 0..<1000 {
            slow.period = .seconds(3600 - number % 2)
            rounds.set(Self.targets(0..<50), slow, for: Self.service, at: .zero, using: &dice)
        }
        #expect(rounds.appointments <= 1100)
        // Each is still checked in the hour.
        var seen: Set<ProbeTarget> = []
        for second in 1...3600 {
            for item in rounds.due(at: .seconds(second)) {
                seen.insert(item.key.target)
                _ = rounds.note(nil, of: item, at: .seconds(second), using: &dice)
            }
        }
        #expect(seen.count == 50)
    }

    @Test mutating func `results of what is gone say nothing, and what stays goes on`() throws {
        var rounds = CheckRounds()
        var time = Duration.zero
        let quick = CheckRounds.Pace(
            period: .seconds(1), timeout: .seconds(1), successThreshold: 1, failureThreshold: 1)
        rounds.set([Self.target(0): true], quick, for: Self.service, at: time, using: &dice)
        let found = next(&rounds, &time)
        let first = try #require(found)
        rounds.remove(Self.service)
        #expect(rounds.isEmpty)
        rounds.set([Self.target(0): true], quick, for: Self.service, at: time, using: &dice)
        let late = rounds.note("late", of: first, at: time, using: &dice)
        #expect(late == nil)
        #expect(!rounds.isFailing(Self.target(0), of: Self.service))

        let again = next(&rounds, &time)
        let second = try #require(again)
        let turn = rounds.note("down", of: second, at: time, using: &dice)
        #expect(turn == .failed("down"))
        // A neighbour comes, then another pace: what was found stays.
        rounds.set([Self.target(0): true, Self.target(1): true], quick, for: Self.service, at: time, using: &dice)
        #expect(rounds.isFailing(Self.target(0), of: Self.service))
        rounds.set([Self.target(0): true], Self.pace, for: Self.service, at: time, using: &dice)
        #expect(rounds.isFailing(Self.target(0), of: Self.service))
        #expect(!rounds.isChecked(Self.target(1), of: Self.service))
    }
}
