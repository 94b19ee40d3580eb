import KubeModel
import Logging
import Testing

@testable import KubeClient

@Suite("Leader election") struct LeaderElectionTests {
    private let wall = MicroTime(microsecondsSinceEpoch: 1_000_000)
    private let key = NamespacedName(namespace: "kube-system", name: "martlet-test")

    private func spec(_ holder: String, renewed: Int64, transitions: Int = 3) -> LeaseSpec {
        LeaseSpec(
            holderIdentity: holder, leaseDurationSeconds: 15, acquireTime: wall,
            renewTime: MicroTime(microsecondsSinceEpoch: renewed), leaseTransitions: transitions)
    }

    @Test func aFreeLeaseIsTaken() {
        var state = LeaderElectionState(identity: "me", leaseDuration: .seconds(15))
        guard case .take(let fresh) = state.decide(on: nil, at: .zero, wallClock: wall) else {
            Issue.record("a missing Lease must be taken")
            return
        }
        #expect(fresh.holderIdentity == "me")
        #expect(fresh.leaseTransitions == 0)
        guard case .take(let taken) = state.decide(on: spec("", renewed: 1), at: .zero, wallClock: wall) else {
            Issue.record("a released Lease must be taken")
            return
        }
        #expect(taken.leaseTransitions == 4)
    }

    @Test func anotherHolderIsLeftAloneUntilItsLeaseWasNotRenewedForItsWholeTime() {
        var state = LeaderElectionState(identity: "me", leaseDuration: .seconds(15))
        verify(state.decide(on: spec("you", renewed: 1), at: .seconds(100), wallClock: wall) == .wait)
        verify(state.decide(on: spec("you", renewed: 1), at: .seconds(114), wallClock: wall) == .wait)
        // A renewal starts the time anew, whatever its clock says.
        verify(state.decide(on: spec("you", renewed: 0), at: .seconds(114), wallClock: wall) == .wait)
        verify(state.decide(on: spec("you", renewed: 0), at: .seconds(128), wallClock: wall) == .wait)
        #expect(state.leader == "you")
        guard case .take(let taken) = state.decide(on: spec("you", renewed: 0), at: .seconds(130), wallClock: wall)
        else {
            Issue.record("an expired Lease must be taken")
            return
        }
        #expect(taken.leaseTransitions == 4)
        #expect(taken.acquireTime == wall)
    }

    @Test func aRenewalKeepsTheTimeOfAcquisition() {
        var state = LeaderElectionState(identity: "me", leaseDuration: .seconds(15))
        let later = MicroTime(microsecondsSinceEpoch: 9_000_000)
        guard case .take(let renewed) = state.decide(on: spec("me", renewed: 1), at: .zero, wallClock: later) else {
            Issue.record("our own Lease must be renewed")
            return
        }
        #expect(renewed.acquireTime == wall)
        #expect(renewed.renewTime == later)
        #expect(renewed.leaseTransitions == 3)
    }

    private let times = LeaderElectionTimes(
        leaseDuration: .seconds(1), renewDeadline: .milliseconds(600), retryPeriod: .milliseconds(10))

    private func elector(_ api: InMemoryAPI, _ identity: String) -> LeaderElector {
        LeaderElector(
            client: APIClient(transport: api), lease: key, identity: identity, times: times,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func oneOfTwoLeadsAndHandsOverWhenCancelled() async throws {
        let api = InMemoryAPI([Lease.definition])
        let leaders = Shared<[String]>([])
        func candidate(_ name: String) -> Task<Void, any Error> {
            let elector = elector(api, name)
            return Task {
                try await elector.run {
                    leaders.withLock { $0.append(name) }
                    try await Task.sleep(for: .seconds(3600))
                }
            }
        }
        let first = candidate("first")
        try await eventually { leaders.withLock { $0 } == ["first"] }
        let second = candidate("second")
        // The first renews several times meanwhile.
        let renewals = { api.requests.filter { $0.hasPrefix("PUT") }.count }
        try await eventually { renewals() > 3 }
        #expect(leaders.withLock { $0 } == ["first"])
        first.cancel()
        _ = await first.result
        let lease = try await APIClient(transport: api).get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity != "first")
        try await eventually { leaders.withLock { $0 } == ["first", "second"] }
        second.cancel()
        _ = await second.result
    }

    @Test func aLostLeaseEndsTheWork() async throws {
        let api = InMemoryAPI([Lease.definition])
        let client = APIClient(transport: api)
        let isWorking = Shared(false)
        let elector = elector(api, "me")
        let task = Task {
            try await elector.run {
                isWorking.withLock { $0 = true }
                defer { isWorking.withLock { $0 = false } }
                try await Task.sleep(for: .seconds(3600))
            }
        }
        try await eventually { isWorking.withLock { $0 } }
        try await eventually {
            do {
                var lease = try await client.get(Lease.self, key.name, namespace: key.namespace)
                lease.spec?.holderIdentity = "usurper"
                lease.spec?.leaseDurationSeconds = 3600
                _ = try await client.update(lease)
                return true
            } catch let status as Status where status.isConflict {
                return false
            }
        }
        await #expect(throws: LeadershipLost.self) { try await task.value }
        #expect(isWorking.withLock { !$0 })
        let lease = try await client.get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity == "usurper")
    }

    @Test func theEndOfTheWorkReleasesTheLease() async throws {
        let api = InMemoryAPI([Lease.definition])
        try await elector(api, "me").run {}
        let lease = try await APIClient(transport: api).get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity == "")
    }

    @Test func anUnreachableServerEndsTheLeadership() async throws {
        let api = InMemoryAPI([Lease.definition])
        let isWorking = Shared(false)
        let elector = elector(api, "me")
        let task = Task {
            try await elector.run {
                isWorking.withLock { $0 = true }
                try await Task.sleep(for: .seconds(3600))
            }
        }
        try await eventually { isWorking.withLock { $0 } }
        for _ in 0..<10000 { api.failNext(with: .internalError("away")) }
        await #expect(throws: LeadershipLost.self) { try await task.value }
    }
}
