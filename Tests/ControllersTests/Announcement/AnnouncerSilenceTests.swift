import KubeModel
import Testing

@testable import Controllers

@Suite("Announcers that fall silent") struct AnnouncerSilenceTests {
    private var silence = AnnouncerSilence()

    private func lease(_ holder: String?, version: String, seconds: Int? = 2) -> Lease {
        Lease(
            metadata: ObjectMeta(name: AnnouncementLease.announcer("a"), resourceVersion: version),
            spec: LeaseSpec(holderIdentity: holder, leaseDurationSeconds: seconds))
    }

    @Test mutating func `a Lease that stands still for its duration is given up over the version that was seen`() {
        #expect(silence.look(at: "a", lease("a", version: "1"), now: .zero) == .alive)
        #expect(silence.look(at: "a", lease("a", version: "2"), now: .seconds(5)) == .alive)
        #expect(silence.look(at: "a", lease("a", version: "2"), now: .milliseconds(6_999)) == .alive)
        #expect(
            silence.look(at: "a", lease("a", version: "2"), now: .seconds(7)) == .silent(lease("", version: "2")))
        // It came back in between.
        #expect(silence.look(at: "a", lease("a", version: "3"), now: .seconds(8)) == .alive)
    }

    @Test mutating func `a Lease that nobody holds has ended at once`() {
        #expect(silence.look(at: "a", lease("", version: "1"), now: .zero) == .ended)
        #expect(silence.look(at: "a", lease(nil, version: "1"), now: .zero) == .ended)
    }

    @Test mutating func `what was seen of an earlier hold does not count`() {
        #expect(silence.look(at: "a", lease("a", version: "1"), now: .zero) == .alive)
        silence.forget("a")
        #expect(silence.look(at: "a", lease("a", version: "1"), now: .seconds(100)) == .alive)
        #expect(silence.look(at: "a", lease("", version: "2"), now: .seconds(101)) == .ended)
        #expect(silence.look(at: "a", lease("a", version: "3"), now: .seconds(200)) == .alive)
    }

    @Test mutating func `nobody is believed in for longer than a minute`() {
        for (node, seconds) in [("a", nil), ("b", 100_000), ("c", 60)] as [(String, Int?)] {
            #expect(silence.look(at: node, lease("x", version: "1", seconds: seconds), now: .zero) == .alive)
            #expect(silence.look(at: node, lease("x", version: "1", seconds: seconds), now: .seconds(59)) == .alive)
            #expect(silence.look(at: node, lease("x", version: "1", seconds: seconds), now: .seconds(60)) != .alive)
        }
    }
}
