import Testing

@testable import ProxyEngine

@Suite("How many requests are sent once more") struct RetryBudgetTests {
    private static let second: UInt64 = 1_000_000_000

    /// How many of `asked` are sent again.
    private static func taken(
        _ budget: inout RetryBudget, _ asked: Int, requests: UInt64, underWay: Int32 = 0, now: UInt64
    ) -> Int {
        (0..<asked).count { _ in budget.take(requests: requests, underWay: underWay, now: now) }
    }

    @Test func `at first as many as the reserve, and as are under way`() {
        var idle = RetryBudget()
        #expect(Self.taken(&idle, 1000, requests: 0, now: Self.second) == 100)
        var busy = RetryBudget()
        #expect(Self.taken(&busy, 1000, requests: 0, underWay: 400, now: Self.second) == 500)
    }

    @Test func `then a fifth of those that come, and ten each second`() {
        var budget = RetryBudget()
        _ = Self.taken(&budget, 1000, requests: 50, now: Self.second)
        #expect(Self.taken(&budget, 1000, requests: 50, now: Self.second) == 0)
        #expect(Self.taken(&budget, 1000, requests: 250, now: Self.second) == 40)
        #expect(Self.taken(&budget, 1000, requests: 250, now: 3 * Self.second) == 20)
        // In small steps as in large ones.
        var sum = 0
        for step: UInt64 in 1...100 {
            sum += Self.taken(&budget, 10, requests: 250 + step, now: 3 * Self.second + step * Self.second / 100)
        }
        #expect((29...30).contains(sum))
    }

    @Test func `what was not used does not grow beyond the reserve`() {
        var budget = RetryBudget()
        _ = Self.taken(&budget, 1000, requests: 0, now: Self.second)
        #expect(Self.taken(&budget, 1000, requests: 1_000_000, now: 900_000 * Self.second) == 100)
        // Nor does a clock or counter that goes back.
        #expect(Self.taken(&budget, 1000, requests: 0, now: 0) <= 100)
    }

    // MARK: The policy

    private static func verdict(
        _ policy: RetryPolicy, _ failure: RetryPolicy.Failure, attempts: Int32 = 1, endpoints: Int32 = 3,
        isIdempotent: Bool = true, wasSent: Bool = true, isKept: Bool = true, age: UInt64 = 0
    ) -> RetryPolicy.Verdict {
        policy.verdict(
            on: failure,
            RetryPolicy.Circumstances(
                attempts: attempts, mostAttempts: 3, endpoints: endpoints, isIdempotent: isIdempotent, wasSent: wasSent,
                isKept: isKept, age: age))
    }

    @Test func `without a policy what nobody has seen is sent again, and what was sent if twice is as good as once`() {
        let policy = RetryPolicy()
        #expect(Self.verdict(policy, .loss(.connect), isIdempotent: false) == .freely)
        #expect(Self.verdict(policy, .loss(.connectTimeout), isIdempotent: false) == .freely)
        #expect(Self.verdict(policy, .loss(.broken)) == .withinBudget)
        #expect(Self.verdict(policy, .loss(.broken), isIdempotent: false) == .never)
        #expect(Self.verdict(policy, .loss(.broken), isIdempotent: false, wasSent: false) == .freely)
        for failure: RetryPolicy.Failure in [
            .loss(.responseTimeout), .loss(.malformed), .loss(.uncarriable), .loss(.noEndpoint), .status(503),
        ] {
            #expect(Self.verdict(policy, failure) == .never)
        }
        #expect(Self.verdict(policy, .loss(.refused), endpoints: 1, isIdempotent: false) == .freely)
    }

    @Test func `attempts, endpoints, time and what is left of the request bound it`() {
        let policy = RetryPolicy()
        #expect(Self.verdict(policy, .loss(.connect), attempts: 2) == .freely)
        #expect(Self.verdict(policy, .loss(.connect), attempts: 3, endpoints: 9) == .never)
        #expect(Self.verdict(RetryPolicy(attempts: 5), .loss(.connect), attempts: 4, endpoints: 9) == .freely)
        #expect(Self.verdict(RetryPolicy(attempts: 99), .loss(.connect), attempts: 8, endpoints: 9) == .never)
        #expect(Self.verdict(RetryPolicy(attempts: 1), .loss(.connect), endpoints: 9) == .never)
        #expect(Self.verdict(policy, .loss(.connect), endpoints: 1) == .never)
        #expect(Self.verdict(policy, .loss(.connect), isKept: false) == .never)
        #expect(Self.verdict(policy, .loss(.refused), attempts: 3) == .never)
        let hasty = RetryPolicy(timeout: .seconds(2))
        #expect(Self.verdict(hasty, .loss(.connect), age: 2 * Self.second - 1) == .freely)
        #expect(Self.verdict(hasty, .loss(.connect), age: 2 * Self.second) == .never)
    }

    @Test(arguments: [403, 404, 429, 500, 502, 503, 504] as [Int32])
    func `a status is a reason where the policy says so`(status: Int32) {
        let policy = RetryPolicy(conditions: .of(status: status))
        #expect(Self.verdict(policy, .status(status)) == .withinBudget)
        #expect(Self.verdict(policy, .status(status), isIdempotent: false) == .never)
        let forAll = RetryPolicy(conditions: .of(status: status), isForAll: true)
        #expect(Self.verdict(forAll, .status(status), isIdempotent: false) == .withinBudget)
        #expect(Self.verdict(policy, .status(status == 500 ? 502 : 500)) == .never)
        #expect(Self.verdict(policy, .status(200)) == .never && Self.verdict(policy, .loss(.connect)) == .never)
    }
}
