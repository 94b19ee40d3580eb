import Testing

@testable import martlet

@Suite("The plan of the supervisor") struct SupervisionPlanTests {
    private func family() -> SupervisionPlan {
        SupervisionPlan(children: [
            .init(name: "apiserver", stage: 0), .init(name: "controllers", stage: 1),
            .init(name: "dataplane", stage: 1),
        ])
    }

    private func started() -> SupervisionPlan {
        var plan = family()
        _ = plan.handle(.begin, now: .zero)
        _ = plan.handle(.ready(name: "apiserver"), now: .zero)
        _ = plan.handle(.ready(name: "controllers"), now: .zero)
        _ = plan.handle(.ready(name: "dataplane"), now: .zero)
        return plan
    }

    @Test func `a stage starts when the stage before is ready`() {
        var plan = family()
        #expect(plan.handle(.begin, now: .zero) == [.start(name: "apiserver")])
        #expect(
            plan.handle(.ready(name: "apiserver"), now: .zero) == [
                .start(name: "controllers"), .start(name: "dataplane"),
            ])
        #expect(!plan.isReady)
        #expect(plan.handle(.ready(name: "controllers"), now: .zero).isEmpty)
        #expect(plan.handle(.ready(name: "dataplane"), now: .zero).isEmpty)
        #expect(plan.isReady)
    }

    @Test func `a later child that was never ready ends the family in order`() {
        var plan = family()
        _ = plan.handle(.begin, now: .zero)
        _ = plan.handle(.ready(name: "apiserver"), now: .zero)
        #expect(
            plan.handle(.exited(name: "dataplane", code: 1), now: .zero) == [
                .terminate(name: "controllers"), .scheduleKill(name: "controllers", after: .seconds(10)),
            ])
        #expect(
            plan.handle(.exited(name: "controllers", code: 0), now: .zero) == [
                .terminate(name: "apiserver"), .scheduleKill(name: "apiserver", after: .seconds(10)),
            ])
        #expect(plan.handle(.exited(name: "apiserver", code: 0), now: .zero) == [.finish(failed: "dataplane")])
    }

    @Test func `a child that was never ready ends the family`() {
        var plan = family()
        _ = plan.handle(.begin, now: .zero)
        #expect(plan.handle(.exited(name: "apiserver", code: 1), now: .zero) == [.finish(failed: "apiserver")])
    }

    @Test func `pauses double to the longest and fall back after a steady life`() {
        var plan = started()
        var pauses: [Duration] = []
        for _ in 0..<9 {
            guard case .restart(_, let pause)? = plan.handle(.exited(name: "dataplane", code: 1), now: .zero).first
            else { break }
            pauses.append(pause)
            #expect(plan.handle(.restartDue(name: "dataplane"), now: .zero) == [.start(name: "dataplane")])
        }
        let milliseconds: [Int] = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        #expect(pauses == milliseconds.map { .milliseconds($0) })
        #expect(
            plan.handle(.exited(name: "dataplane", code: 1), now: .seconds(11)) == [
                .restart(name: "dataplane", after: .milliseconds(100))
            ])
        #expect(plan.restarts == 9)
    }

    @Test func `a ready first-stage child is restarted alone`() {
        var plan = started()
        #expect(
            plan.handle(.exited(name: "apiserver", code: 137), now: .seconds(60)) == [
                .restart(name: "apiserver", after: .milliseconds(100))
            ])
        #expect(plan.handle(.restartDue(name: "apiserver"), now: .seconds(61)) == [.start(name: "apiserver")])
        #expect(plan.handle(.ready(name: "apiserver"), now: .seconds(61)).isEmpty)
        #expect(plan.isReady)
    }

    @Test func `stopping goes backwards through the stages`() {
        var plan = started()
        #expect(
            plan.handle(.stopRequested, now: .zero) == [
                .terminate(name: "controllers"), .scheduleKill(name: "controllers", after: .seconds(10)),
                .terminate(name: "dataplane"), .scheduleKill(name: "dataplane", after: .seconds(10)),
            ])
        #expect(plan.handle(.stopRequested, now: .zero).isEmpty)
        #expect(plan.handle(.exited(name: "controllers", code: 0), now: .zero).isEmpty)
        #expect(plan.handle(.killDue(name: "controllers"), now: .seconds(10)).isEmpty)
        #expect(plan.handle(.killDue(name: "dataplane"), now: .seconds(10)) == [.kill(name: "dataplane")])
        #expect(
            plan.handle(.exited(name: "dataplane", code: 137), now: .seconds(10)) == [
                .terminate(name: "apiserver"), .scheduleKill(name: "apiserver", after: .seconds(10)),
            ])
        #expect(plan.handle(.exited(name: "apiserver", code: 0), now: .seconds(10)) == [.finish(failed: nil)])
    }

    @Test func `a stop while a child pauses does not start it again`() {
        var plan = started()
        _ = plan.handle(.exited(name: "dataplane", code: 1), now: .zero)
        #expect(
            plan.handle(.stopRequested, now: .zero) == [
                .terminate(name: "controllers"), .scheduleKill(name: "controllers", after: .seconds(10)),
            ])
        #expect(plan.handle(.restartDue(name: "dataplane"), now: .zero).isEmpty)
    }
}
