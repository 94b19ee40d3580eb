import DNS
import TestSupport
import Testing

@Suite("What is kept of upstream answers") struct AnswerCacheTests {
    static func answer(_ name: String, ttl: UInt32 = 60, padding: Int = 0, denial: Bool = false) -> UpstreamAnswer {
        let record = UpstreamReplyTests.record([0xc0, 12], .txt, ttl: ttl, [UInt8](repeating: 0, count: padding + 1))
        let message =
            Wire.bytes16(0, 0x8180, 1, 1, 0, 0) + Wire.spelled(name) + Wire.bytes16(RecordType.a.rawValue, 1) + record
        return UpstreamAnswer(message: message, ttl: ttl, code: .noError, isDenial: denial)
    }

    static func lookup(_ name: String, _ type: RecordType = .a, signatures: Bool = false) -> Lookup {
        Lookup(name: Wire.name(name), type: type, wantsSignatures: signatures)
    }

    final class Kept {
        var cache: AnswerCache

        init(_ limits: CacheLimits = CacheLimits()) { cache = AnswerCache(limits: limits, seed: 5) }

        /// The TTL that is left, "stale" or "nothing"; with "!" where it is to be fetched anew.
        func find(_ lookup: Lookup, at now: UInt32) -> String {
            switch cache.find(
                WireName(lookup.name), lookup.type, wantsSignatures: lookup.wantsSignatures, isCheckingDisabled: false,
                now: now)
            {
            case .fresh(_, let ttl, let refresh): "\(ttl)\(refresh ? "!" : "")"
            case .stale: "stale"
            case .nothing: "nothing"
            }
        }
    }

    @Test func `an answer is kept for its time, then stands in for an hour, then is gone`() {
        let kept = Kept()
        kept.cache.store(Self.answer("a.example"), for: Self.lookup("a.example"), now: 100)
        #expect(kept.find(Self.lookup("a.example"), at: 100) == "60")
        #expect(kept.find(Self.lookup("a.example"), at: 159) == "1")
        #expect(kept.find(Self.lookup("a.example"), at: 160) == "stale")
        #expect(kept.find(Self.lookup("a.example"), at: 160 + 3599) == "stale")
        #expect(kept.find(Self.lookup("a.example"), at: 160 + 3600) == "nothing")
        #expect(kept.cache.count == 0 && kept.cache.bytes == 0)
    }

    /// What was last kept of each name, beside a cache that is full, too small, and made larger and smaller at any time.
    @Test(arguments: 1...40)
    func `whatever comes in whatever order, what is found was kept last, and the bound holds`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let kept = Kept()
        var limits = CacheLimits()
        var last: [String: (answer: UpstreamAnswer, at: UInt32)] = [:]
        var now: UInt32 = 1000
        for _ in 0..<2000 {
            let name = "n\(random.next() % 24).example"
            switch random.next() % 8 {
            case 0, 1, 2:
                let answer = Self.answer(
                    name, ttl: UInt32(random.next() % 90), padding: Int(random.next() % 250),
                    denial: random.next() % 3 == 0)
                kept.cache.store(answer, for: Self.lookup(name), now: now)
                last[name] = (answer, now)
            case 3: now += UInt32(random.next() % 40)
            case 4 where random.next() % 10 == 0:
                limits.bytes = Int(random.next() % 6000)
                limits.staleFor = UInt32(random.next() % 100)
                limits.prefetchAfter = UInt32(random.next() % 3)
                kept.cache.setLimits(limits)
            default:
                let finding = kept.cache.find(
                    WireName(Wire.name(name)), .a, wantsSignatures: false, isCheckingDisabled: false, now: now)
                guard let known = last[name] else {
                    if case .nothing = finding { continue }
                    Issue.record("\(name) was never kept: \(finding)")
                    continue
                }
                let end = known.at + known.answer.ttl
                switch finding {
                case .fresh(let slot, let ttl, _):
                    #expect(kept.cache[message: slot] == known.answer.message)
                    #expect(kept.cache.isDenial(slot) == known.answer.isDenial)
                    #expect(ttl > 0 && now + ttl <= end, "\(ttl) s at \(now), though it ends at \(end)")
                case .stale(let slot):
                    #expect(kept.cache[message: slot] == known.answer.message)
                    #expect(now >= end && now < end + limits.staleFor)
                case .nothing: break
                }
            }
            #expect(kept.cache.bytes <= limits.bytes && (kept.cache.count == 0) == (kept.cache.bytes == 0))
        }
    }

    @Test func `name, type and flags are all part of the question`() {
        let kept = Kept()
        kept.cache.store(Self.answer("a.example"), for: Self.lookup("a.example"), now: 0)
        #expect(kept.find(Self.lookup("b.example"), at: 0) == "nothing")
        #expect(kept.find(Self.lookup("a.example", .aaaa), at: 0) == "nothing")
        #expect(kept.find(Self.lookup("a.example", signatures: true), at: 0) == "nothing")
        #expect(kept.find(Self.lookup("A.Example"), at: 0) == "60")
    }

    @Test func `times are bounded, those of denials by their own bound, and nothing for 0 seconds is kept`() {
        let kept = Kept()
        kept.cache.store(Self.answer("a.example", ttl: 86400), for: Self.lookup("a.example"), now: 0)
        kept.cache.store(Self.answer("b.example", ttl: 86400, denial: true), for: Self.lookup("b.example"), now: 0)
        kept.cache.store(Self.answer("c.example", ttl: 0), for: Self.lookup("c.example"), now: 0)
        #expect(kept.find(Self.lookup("a.example"), at: 0) == "3600")
        #expect(kept.find(Self.lookup("b.example"), at: 0) == "1800")
        #expect(kept.find(Self.lookup("c.example"), at: 0) == "nothing")
        #expect(kept.cache.counters.answers == 1 && kept.cache.counters.denials == 1)
    }

    @Test func `the one that was not asked for longest makes room`() {
        var limits = CacheLimits()
        limits.bytes = 64 * 1024
        let kept = Kept(limits)
        for number in 0..<2000 {
            kept.cache.store(
                Self.answer("n\(number).example", padding: 100), for: Self.lookup("n\(number).example"), now: 0)
            _ = kept.find(Self.lookup("n0.example"), at: 0)
            #expect(kept.cache.bytes <= limits.bytes)
        }
        #expect(kept.find(Self.lookup("n0.example"), at: 0) == "60")
        #expect(kept.find(Self.lookup("n1.example"), at: 0) == "nothing")
        #expect(kept.find(Self.lookup("n1999.example"), at: 0) == "60")
        #expect(kept.cache.counters.evictions == UInt64(2000 - kept.cache.count))
        // One that would push out too many is not kept.
        kept.cache.store(Self.answer("big.example", padding: 17_000), for: Self.lookup("big.example"), now: 0)
        #expect(kept.find(Self.lookup("big.example"), at: 0) == "nothing")
    }

    @Test func `a popular answer about to end is fetched anew, once`() {
        let kept = Kept()
        kept.cache.store(Self.answer("a.example", ttl: 100), for: Self.lookup("a.example"), now: 0)
        for _ in 0..<9 { #expect(kept.find(Self.lookup("a.example"), at: 50) == "50") }
        #expect(kept.find(Self.lookup("a.example"), at: 89) == "11")
        #expect(kept.find(Self.lookup("a.example"), at: 90) == "10!")
        #expect(kept.find(Self.lookup("a.example"), at: 91) == "9")
        kept.cache.refreshFailed(Self.lookup("a.example"))
        #expect(kept.find(Self.lookup("a.example"), at: 92) == "8!")
    }

    @Test func `a loop whose clock is a little behind finds what another one has just kept`() {
        let kept = Kept()
        kept.cache.store(Self.answer("a.example"), for: Self.lookup("a.example"), now: 100)
        #expect(kept.find(Self.lookup("a.example"), at: 99) == "60")
    }

    @Test func `a newer answer takes the place of an older one`() {
        let kept = Kept()
        for round in 0..<100 {
            for number in 0..<50 {
                kept.cache.store(
                    Self.answer("n\(number).example", padding: round), for: Self.lookup("n\(number).example"), now: 0)
            }
        }
        #expect(kept.cache.count == 50)
        for number in 0..<50 { #expect(kept.find(Self.lookup("n\(number).example"), at: 1) == "59") }
    }
}
