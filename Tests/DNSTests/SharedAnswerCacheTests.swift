import DNS
import Testing

@Suite("One cache for all loops") struct SharedAnswerCacheTests {
    /// The responders of two loops.
    private static func pair() -> (Answers, Answers) {
        let cache = SharedAnswerCache(seed: 3)
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: [UpstreamReplyTests.server])]
        return (Answers(policy: policy, cache: cache), Answers(policy: policy, cache: cache))
    }

    private static let answer: UpstreamAnswer? = {
        let bytes = UpstreamReplyTests.reply(answers: [
            UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, UpstreamReplyTests.address)
        ])
        return UpstreamReplyTests.answer(bytes)?.0
    }()

    @Test func `an answer that one loop kept is fresh for the other, then stands in for it when nobody answers`() throws
    {
        let (one, other) = Self.pair()
        let lookup = UpstreamReplyTests.lookup
        one.responder.cache.store(try #require(Self.answer), for: lookup, now: one.now.monotonic)
        let query = Wire.query("www.example.com")
        #expect(other.message(query)?.answers.map(\.ttl) == [60])
        other.now.monotonic += 61
        #expect(other.ask(query).outcome == .resolve(lookup, hasStale: true))
        let stale = try #require(other.message(query, given: .failed))
        #expect(stale.code == .noError && stale.answers.map(\.data) == [UpstreamReplyTests.address])
        #expect(stale.answers.map(\.ttl) == [AnswerCache.staleTTL])
        #expect(other.responder.accounts.cacheStaleAnswers == 1)
        // Long after that there is nothing.
        other.now.monotonic += 3600
        #expect(other.ask(query).outcome == .resolve(lookup, hasStale: false))
        #expect(other.message(query, given: .failed)?.code == .serverFailure)
    }

    @Test func `a popular answer is fetched anew by one loop alone`() throws {
        let (one, other) = Self.pair()
        one.responder.cache.store(try #require(Self.answer), for: UpstreamReplyTests.lookup, now: one.now.monotonic)
        let query = Wire.query("www.example.com")
        for _ in 0..<20 { _ = one.ask(query) }
        one.now.monotonic += 58
        other.now.monotonic += 58
        #expect(one.ask(query).outcome == .answer(refresh: UpstreamReplyTests.lookup))
        #expect(other.ask(query).outcome == .answer(refresh: nil))
        // It came to nothing: the next one tries again, whoever that is.
        one.responder.cache.refreshFailed(UpstreamReplyTests.lookup)
        #expect(other.ask(query).outcome == .answer(refresh: UpstreamReplyTests.lookup))
    }

    @Test func `its bytes are bounded as a whole, whatever is asked and by how many loops`() async {
        let bound = 256 * 1024
        var limits = CacheLimits()
        limits.bytes = bound
        let cache = SharedAnswerCache(limits: limits)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<2000 {
                        let name = "n\(number % 1500).t\(task % 2).example"
                        cache.store(
                            AnswerCacheTests.answer(name, padding: 200), for: AnswerCacheTests.lookup(name), now: 0)
                        if number % 100 == 0 { #expect(cache.counters.bytes <= bound) }
                    }
                }
            }
        }
        let counters = cache.counters
        #expect(counters.bytes <= bound && counters.bytes > bound / 2)
        #expect(counters.sum.answers > 100 && counters.sum.evictions > 0)
        limits.bytes = 0
        cache.setLimits(limits)
        #expect(cache.counters.bytes == 0 && cache.counters.sum.answers == 0)
    }
}
