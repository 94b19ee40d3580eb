import NetworkTypes
import Testing

@testable import DNS

@Suite("Why upstream servers fail") struct UpstreamTroublesTests {
    private static func trouble(_ cause: String, _ number: UInt32 = 1) -> UpstreamTrouble {
        UpstreamTrouble(
            server: SocketAddress(ip: IPAddress(v4: number), port: 853), transport: .secured(SecuredServer()),
            cause: cause)
    }

    private final class Told {
        private var troubles = UpstreamTroubles()

        func isNews(_ trouble: UpstreamTrouble, now: UInt32) -> Bool { troubles.isNews(trouble, now: now) }
        func forget() { troubles.forget() }
    }

    @Test func `each cause of each server is news once, and again after an hour or with other servers`() {
        let troubles = Told()
        #expect(troubles.isNews(Self.trouble("a"), now: 10) && troubles.isNews(Self.trouble("b"), now: 10))
        #expect(troubles.isNews(Self.trouble("a", 2), now: 10))
        #expect(!troubles.isNews(Self.trouble("a"), now: 11) && !troubles.isNews(Self.trouble("a"), now: 3609))
        #expect(troubles.isNews(Self.trouble("a"), now: 3610))
        troubles.forget()
        #expect(troubles.isNews(Self.trouble("a"), now: 3611))
    }

    @Test func `however many causes there are, few are told`() {
        let troubles = Told()
        let told = (0..<1000).filter { troubles.isNews(Self.trouble("\($0)"), now: 0) }
        #expect(told.count == UpstreamTroubles.limit)
        #expect(troubles.isNews(Self.trouble("x"), now: 3600))
    }

    @Test func `a resolver tells of what fails, is malformed, or is silent for a second`() throws {
        var state = ResolverState<Int>()
        var random = ResolverStateTests.FirstOfFew()
        state.setZones([ForwardedZone(servers: [ResolverStateTests.one], maximumFailures: 0)])
        func told(_ actions: [ResolverState<Int>.Action]) -> [String] {
            actions.compactMap { action in
                guard case .tell(let trouble) = action else { return nil }
                return "\(trouble.server) \(trouble.transport.name): \(trouble.cause)"
            }
        }
        func attempt(_ actions: [ResolverState<Int>.Action]) -> (UInt64, UInt16)? {
            for case .send(let attempt, _, _, let bytes) in actions { return (attempt, bytes.span.u16(at: 0)) }
            return nil
        }
        var actions = state.ask(UpstreamReplyTests.lookup, waiter: 1, hasStale: false, now: 0, using: &random)
        let first = try #require(attempt(actions))
        let malformed = UpstreamReplyTests.reply(
            id: first.1, answers: [UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, [1])])
        actions = state.received(first.0, malformed.span, now: 1, using: &random)
        #expect(told(actions) == ["192.0.2.1:53 UDP: its answer is malformed"])
        let second = try #require(attempt(actions))
        actions = state.advance(now: 1200, using: &random)
        #expect(told(actions) == ["192.0.2.1:53 UDP: nothing came for a second"])
        actions = state.failed(second.0, because: "no", now: 1300, using: &random)
        #expect(told(actions) == ["192.0.2.1:53 UDP: no"])
    }
}
