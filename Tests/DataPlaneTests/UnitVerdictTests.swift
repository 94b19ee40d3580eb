import KubeModel
import Systemd
import Testing

@testable import DataPlane

@Suite("What a unit's state means for its Pod") struct UnitVerdictTests {
    private let now = Timestamp(secondsSinceEpoch: 2000)

    private func verdict(_ active: String, load: String = "loaded", sub: String = "", result: String = "")
        -> UnitVerdict
    {
        let state = UnitState(
            id: "shop.service", loadState: load, activeState: active, subState: sub, result: result,
            activeSince: 1_000_999_999)
        return UnitVerdict(.known(state), unit: "shop.service", node: "edge")
    }

    @Test(arguments: [
        ("active", "loaded", "running", "", "True", "Active", "is active (running)"),
        ("active", "masked", "running", "", "True", "Active", "is active (running)"),
        ("active", "not-found", "exited", "", "True", "Active", "is active (exited)"),
        ("reloading", "loaded", "reload", "", "True", "Reloading", "is reloading (reload)"),
        (
            "activating", "loaded", "auto-restart", "exit-code", "False", "Activating",
            "is activating (auto-restart): exit-code"
        ),
        (
            "deactivating", "loaded", "stop-sigterm", "success", "False", "Deactivating",
            "is deactivating (stop-sigterm)"
        ),
        ("failed", "loaded", "failed", "oom-kill", "False", "Failed", "has failed: oom-kill"),
        ("inactive", "loaded", "dead", "success", "False", "Inactive", "is not active (dead)"),
        ("inactive", "not-found", "dead", "success", "False", "UnitNotFound", "does not exist"),
        ("inactive", "masked", "dead", "", "False", "Masked", "is masked: systemctl unmask shop.service"),
        (
            "inactive", "bad-setting", "dead", "", "False", "NotLoaded",
            "could not be loaded (bad-setting): systemctl status shop.service"
        ),
        ("", "", "", "", "Unknown", "UnknownState", "is in a state that is not known: "),
    ])
    func `each state has its word`(
        active: String, load: String, sub: String, result: String, status: String, reason: String, words: String
    ) {
        let verdict = verdict(active, load: load, sub: sub, result: result)
        #expect(verdict.standing.rawValue == status)
        #expect(verdict.reason == reason)
        #expect(verdict.message == "unit shop.service on node edge " + words)
        #expect((verdict.since != nil) == (status == "True"))
    }

    @Test func `what is said already is not said again`() throws {
        let active = verdict("active", sub: "running")
        let first = try #require(active.condition(after: nil, now: now))
        #expect(first.lastTransitionTime == Timestamp(secondsSinceEpoch: 1000), "since it is active")
        #expect(active.condition(after: first, now: now.advanced(bySeconds: 60)) == nil)
        let stopped = verdict("inactive", sub: "dead")
        let second = try #require(stopped.condition(after: first, now: now))
        #expect(second.status == "False" && second.lastTransitionTime == now)
        let failed = try #require(verdict("failed").condition(after: second, now: now.advanced(bySeconds: 60)))
        #expect(failed.lastTransitionTime == now, "it has been as little active as before")
    }

    @Test func `a unit that was started again between two looks is another one`() throws {
        let before = try #require(verdict("active").condition(after: nil, now: now))
        var state = UnitState(id: "shop.service", activeState: "active", activeSince: 1_500_000_000)
        let again = UnitVerdict(.known(state), unit: "shop.service", node: "edge")
        #expect(again.isRestart(after: before, of: "shop.service"))
        #expect(!again.isRestart(after: before, of: "other.service"))
        #expect(again.condition(after: before, now: now)?.lastTransitionTime == Timestamp(secondsSinceEpoch: 1500))
        state.activeSince = 1_000_000_000
        #expect(
            !UnitVerdict(.known(state), unit: "shop.service", node: "edge").isRestart(after: before, of: "shop.service")
        )
    }

    @Test func `an annotation of any length makes a short message`() {
        let verdict = UnitVerdict(invalid: String(repeating: "x", count: 100_000))
        #expect(verdict.standing == .notActive && verdict.message.count < 300)
        #expect(verdict.message.hasPrefix("annotation traffic.martlet.dev/unit: \"xxx"))
    }

    @Test func `who is followed first stays, and there is a bound`() {
        var choice = UnitChoice()
        let many = Set((0..<300).map { "unit\($0).service" })
        let first = choice.choose(among: ["z.service"])
        #expect(first && choice.followed == ["z.service"])
        let second = choice.choose(among: many.union(["z.service"]))
        #expect(second && choice.followed.count == UnitChoice.limit && choice.followed.contains("z.service"))
        let again = choice.choose(among: many.union(["z.service"]))
        #expect(!again)
        let third = choice.choose(among: many)
        #expect(third && choice.followed.count == UnitChoice.limit && !choice.followed.contains("z.service"))
    }
}
