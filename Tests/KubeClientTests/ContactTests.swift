import Testing

@testable import KubeClient

@Suite("Caches tell whether they hear from their server")
struct ContactTests {
    @Test func `contact is lost since the last sign of life, not since the failure that showed it`() {
        var state = ContactState()
        state.heard(at: .seconds(10))
        state.failed(at: .seconds(40))
        #expect(state.lostSince == .seconds(10))
        state.failed(at: .seconds(50))
        #expect(state.lostSince == .seconds(10))
        state.heard(at: .seconds(60))
        #expect(state.lostSince == nil)
    }

    @Test func `a server that was never heard from is lost since the first attempt`() {
        var state = ContactState()
        state.failed(at: .seconds(3))
        state.failed(at: .seconds(9))
        #expect(state.lostSince == .seconds(3))
    }

    @Test func `a long absence is told once, and so is its end`() {
        var report = ContactReport(grace: .seconds(5))
        verify(report.look(lostSince: nil, at: .seconds(1)) == nil)
        verify(report.look(lostSince: .seconds(1), at: .seconds(4)) == nil)
        verify(report.look(lostSince: .seconds(1), at: .seconds(6)) == .lost(for: .seconds(5)))
        verify(report.look(lostSince: .seconds(1), at: .seconds(60)) == nil)
        verify(report.look(lostSince: nil, at: .seconds(61)) == .regained(after: .seconds(60)))
        verify(report.look(lostSince: nil, at: .seconds(62)) == nil)
    }

    @Test func `the moment that a restart takes is not told`() {
        var report = ContactReport(grace: .seconds(5))
        verify(report.look(lostSince: .seconds(1), at: .seconds(2)) == nil)
        verify(report.look(lostSince: nil, at: .seconds(3)) == nil)
    }
}
