import KubeModel
import Logging
import Testing

@testable import KubeClient

@Suite("One of several candidates leads") struct LeaderElectionTests {
    private let wall = MicroTime(microsecondsSinceEpoch: 1_000_000)
    private let key = NamespacedName(namespace: "kube-system", name: "martlet-test")

    private func spec(_ holder: String, renewed: Int64, transitions: Int = 3) -> LeaseSpec {
        LeaseSpec(
            holderIdentity: holder, leaseDurationSeconds: 15, acquireTime: wall,
            renewTime: MicroTime(microsecondsSinceEpoch: renewed), leaseTransitions: transitions)
    }

    @Test func `a free Lease is taken`() {
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

    @Test func `another holder is left alone until its Lease was not renewed for its whole time`() {
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

    @Test func `a renewal keeps the time of acquisition`() {
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

    private let clock = ManualClock()

    private func elector(_ transport: any APITransport, _ identity: String) -> LeaderElector {
        LeaderElector(
            client: APIClient(transport: transport), lease: key, identity: identity,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: MonotonicClock(clock))
    }

    /// Lets time pass, a sleeper's time after the other, until the condition holds.
    private func advance(until condition: () async throws -> Bool) async throws {
        try await eventually {
            if try await condition() { return true }
            if let next = clock.nextWakeUp { clock.advance(by: next) }
            return false
        }
    }

    /// Work that ends with its task, and whether it goes on.
    private func lead(_ elector: LeaderElector, _ isWorking: Shared<Bool>) -> Task<Void, any Error> {
        Task {
            try await elector.run {
                isWorking.withLock { $0 = true }
                defer { isWorking.withLock { $0 = false } }
                try await Task.sleep(for: .seconds(1 << 30))
            }
        }
    }

    @Test func `one of two leads and hands over when cancelled`() async throws {
        let api = InMemoryAPI([Lease.definition])
        let (isFirst, isSecond) = (Shared(false), Shared(false))
        let first = lead(elector(api, "first"), isFirst)
        try await eventually { isFirst.withLock { $0 } }
        let second = lead(elector(api, "second"), isSecond)
        // The first renews several times meanwhile.
        let renewals = { api.requests.filter { $0.hasPrefix("PUT") }.count }
        try await advance { renewals() > 3 }
        #expect(!isSecond.withLock { $0 })
        first.cancel()
        _ = await first.result
        let lease = try await APIClient(transport: api).get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity != "first")
        try await advance { isSecond.withLock { $0 } }
        second.cancel()
        _ = await second.result
    }

    @Test func `renewals leave together, half a deadline apart, and are tried again sooner when they fail`()
        async throws
    {
        let elector = elector(InMemoryAPI([Lease.definition]), "me")
        #expect(elector.untilRenewal(from: .seconds(5)) == .seconds(5))
        #expect(elector.untilRenewal(from: .seconds(6.5)) == .seconds(3.5))
        #expect(elector.untilRenewal(from: .seconds(9.75)) == .seconds(0.25))

        let api = InMemoryAPI([Lease.definition])
        let isWorking = Shared(false)
        let task = lead(self.elector(api, "me"), isWorking)
        try await eventually { isWorking.withLock { $0 } && clock.sleeperCount == 1 }
        let renewals = { api.requests.filter { $0.hasPrefix("PUT") }.count }
        #expect(clock.nextWakeUp == .seconds(5))
        api.failNext(with: .internalError("away"))
        clock.advance(by: .seconds(5))
        try await eventually { renewals() == 1 && clock.sleeperCount == 1 }
        #expect(clock.nextWakeUp == .seconds(2))
        clock.advance(by: .seconds(2))
        // At 7 seconds, so that the next is at 10.
        try await eventually { renewals() == 2 && clock.sleeperCount == 1 }
        #expect(clock.nextWakeUp == .seconds(3))
        task.cancel()
        _ = await task.result
    }

    @Test func `a lost Lease ends the work`() async throws {
        let api = InMemoryAPI([Lease.definition])
        let client = APIClient(transport: api)
        let isWorking = Shared(false)
        let task = lead(elector(api, "me"), isWorking)
        try await eventually { isWorking.withLock { $0 } }
        var lease = try await client.get(Lease.self, key.name, namespace: key.namespace)
        lease.spec?.holderIdentity = "usurper"
        lease.spec?.leaseDurationSeconds = 3600
        _ = try await client.update(lease)
        try await advance { !isWorking.withLock { $0 } }
        await #expect(throws: LeadershipLost.self) { try await task.value }
        lease = try await client.get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity == "usurper")
    }

    @Test func `the end of the work releases the Lease`() async throws {
        let api = InMemoryAPI([Lease.definition])
        try await elector(api, "me").run {}
        let lease = try await APIClient(transport: api).get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity == "")
    }

    /// Does what it is asked, and keeps its answers to writes until the caller is gone.
    private struct MuteAPI: APITransport {
        let api: InMemoryAPI
        let isWritten = Shared(false)

        func send(_ request: APIRequest) async throws -> APIResponse {
            let response = try await api.send(request)
            guard request.method == "POST" else { return response }
            isWritten.withLock { $0 = true }
            while true { try await Task.sleep(for: .seconds(1 << 30)) }
        }

        func open(_ request: APIRequest) async throws -> APIStream { try await api.open(request) }
    }

    @Test func `who ends before hearing that the Lease is theirs releases it too`() async throws {
        let mute = MuteAPI(api: InMemoryAPI([Lease.definition]))
        let isWorking = Shared(false)
        let task = lead(elector(mute, "me"), isWorking)
        try await eventually { mute.isWritten.withLock { $0 } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let lease = try await APIClient(transport: mute.api).get(Lease.self, key.name, namespace: key.namespace)
        #expect(lease.spec?.holderIdentity == "")
        #expect(!isWorking.withLock { $0 })
    }

    @Test func `a server that only fails ends the leadership`() async throws {
        let api = InMemoryAPI([Lease.definition])
        let isWorking = Shared(false)
        let task = lead(elector(api, "me"), isWorking)
        try await eventually { isWorking.withLock { $0 } }
        for _ in 0..<100 { api.failNext(with: .internalError("away")) }
        try await advance { !isWorking.withLock { $0 } }
        await #expect(throws: LeadershipLost.self) { try await task.value }
    }

    @Test func `a server that falls silent ends the leadership when the renew deadline is over, not later`()
        async throws
    {
        let api = InMemoryAPI([Lease.definition])
        let isWorking = Shared(false)
        let task = lead(elector(api, "me"), isWorking)
        try await eventually { isWorking.withLock { $0 } && clock.sleeperCount == 1 }
        api.fallSilent()
        let start = clock.now
        var end = start
        try await advance {
            if isWorking.withLock({ $0 }) { end = clock.now }
            return !isWorking.withLock { $0 }
        }
        #expect(start.duration(to: end) <= .seconds(10))
        // The release of the Lease is not waited for without end either.
        let isOver = Shared(false)
        let watcher = Task {
            _ = await task.result
            isOver.withLock { $0 = true }
        }
        try await advance { isOver.withLock { $0 } }
        await watcher.value
        #expect(start.duration(to: clock.now) <= .seconds(15))
        await #expect(throws: LeadershipLost.self) { try await task.value }
    }

    @Test func `not even a transport that ignores cancellation holds an elector`() async throws {
        /// Answers until it is told to hang.
        final class Hanging: APITransport {
            let api = InMemoryAPI([Lease.definition])
            let isHanging = Shared(false)
            let held = Shared<[CheckedContinuation<Void, Never>]>([])

            func send(_ request: APIRequest) async throws -> APIResponse {
                if isHanging.withLock({ $0 }) {
                    await withCheckedContinuation { continuation in held.withLock { $0.append(continuation) } }
                }
                return try await api.send(request)
            }

            func open(_ request: APIRequest) async throws -> APIStream { try await api.open(request) }
        }
        let transport = Hanging()
        let isWorking = Shared(false)
        let task = lead(elector(transport, "me"), isWorking)
        try await eventually { isWorking.withLock { $0 } }
        transport.isHanging.withLock { $0 = true }
        let isOver = Shared(false)
        let watcher = Task {
            _ = await task.result
            isOver.withLock { $0 = true }
        }
        try await advance { isOver.withLock { $0 } }
        await watcher.value
        for continuation in transport.held.withLock({ $0 }) { continuation.resume() }
    }
}
