public import KubeModel
public import Logging

/// The times of a leader election; the defaults are those of Kubernetes' components.
public struct LeaderElectionTimes: Sendable, Hashable {
    /// Others wait this long after the last renewal that they saw. Whole seconds, at least 1.
    public var leaseDuration: Duration = .seconds(15)
    /// A leader that could not renew for this long stops leading. Less than `leaseDuration`.
    public var renewDeadline: Duration = .seconds(10)
    /// Between attempts to take the Lease, and between renewals that fail. Less than `renewDeadline`.
    public var retryPeriod: Duration = .seconds(2)

    /// Between renewals that succeed: half of the deadline, so that the other half is left for retries. Kubernetes' components
    /// renew every `retryPeriod`, which keeps an idle server's disk busy with nothing.
    var renewPeriod: Duration { max(retryPeriod, renewDeadline / 2) }

    public init(
        leaseDuration: Duration = .seconds(15), renewDeadline: Duration = .seconds(10),
        retryPeriod: Duration = .seconds(2)
    ) {
        self.leaseDuration = leaseDuration
        self.renewDeadline = renewDeadline
        self.retryPeriod = retryPeriod
    }
}

/// The leadership was lost to a deadline or another candidate; the work was cancelled.
public struct LeadershipLost: Error, Sendable, CustomStringConvertible {
    public var lease: NamespacedName
    public var description: String { "leadership of \(lease) was lost" }
}

/// Runs work while it holds a Lease, so that one of several processes does it at a time.
public struct LeaderElector: Sendable {
    public let lease: NamespacedName
    public let identity: String
    public let times: LeaderElectionTimes
    private let client: APIClient
    private let logger: Logger
    private let clock: MonotonicClock

    /// - Parameters:
    ///   - identity: unique among the candidates.
    ///   - clock: what times are measured and waited for by.
    public init(
        client: APIClient, lease: NamespacedName, identity: String,
        times: LeaderElectionTimes = LeaderElectionTimes(), logger: Logger, clock: MonotonicClock = MonotonicClock()
    ) {
        self.client = client
        self.lease = lease
        self.identity = identity
        self.times = times
        self.logger = logger
        self.clock = clock
    }

    /// Waits for the leadership, then runs `work` until it returns, throws or the leadership is lost.
    ///
    /// When the task is cancelled, or `work` ends, the Lease is released so that another candidate may lead at once.
    /// However silent the server is: `work` is cancelled at the latest when the renew deadline is over, and no attempt to
    /// take, renew or release the Lease waits for longer than that deadline.
    ///
    /// - Throws: `LeadershipLost` after `work` was cancelled and ended; `CancellationError`; what `work` throws.
    public func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let session = ElectionSession(
            client: client, lease: lease,
            state: LeaderElectionState(identity: identity, leaseDuration: times.leaseDuration), clock: clock)
        do {
            try await acquire(session)
        } catch {
            // The server may have given it all the same.
            await release(session)
            throw error
        }
        logger.info("leading \(lease) as \(identity)")
        let outcome: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await work() }
                group.addTask { try await keepRenewing(session) }
                defer { group.cancelAll() }
                // Whichever ends first ends the other.
                try await group.next()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await release(session)
        try outcome.get()
    }

    private func acquire(_ session: ElectionSession) async throws {
        var lastLeader: String?
        while true {
            try Task.checkCancellation()
            do {
                if try await attempt({ try await session.tryToLead() }) { return }
                let leader = await session.leader
                if leader != lastLeader, let leader { logger.info("\(lease) is led by \(leader)") }
                lastLeader = leader
            } catch {
                try Task.checkCancellation()
                logger.debug("\(lease): \(error)")
            }
            // Jitter keeps candidates apart.
            try await clock.sleep(for: times.retryPeriod * Double.random(in: 1...1.2))
        }
    }

    private func keepRenewing(_ session: ElectionSession) async throws {
        var renewed = clock.now
        var hasFailed = false
        while true {
            try await clock.sleep(for: hasFailed ? times.retryPeriod : untilRenewal(from: clock.now))
            // Others count from what they see at the earliest: the moment at which the request left.
            let sent = clock.now
            let rest = renewed + times.renewDeadline - sent
            do {
                let isLeading = try await attempt(within: max(rest, .zero)) { try await session.tryToLead() }
                if !isLeading { throw LeadershipLost(lease: lease) }
                renewed = sent
                hasFailed = false
            } catch let lost as LeadershipLost {
                logger.error("\(lost)")
                throw lost
            } catch {
                try Task.checkCancellation()
                hasFailed = true
                logger.warning("\(lease) could not be renewed: \(error)")
                if clock.now >= renewed + times.renewDeadline { throw LeadershipLost(lease: lease) }
            }
        }
    }

    /// Renewals fall on multiples of their period: those of a process leave together, and the server commits them as one.
    func untilRenewal(from now: Duration) -> Duration {
        let period = times.renewPeriod
        return period - .nanoseconds((now / .nanoseconds(1)).truncatingRemainder(dividingBy: period / .nanoseconds(1)))
    }

    private func attempt<Result: Sendable>(
        within limit: Duration? = nil, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await Attempt.within(limit ?? times.renewDeadline, by: clock, body)
    }

    /// Runs apart from the calling task, which may be cancelled already.
    private func release(_ session: ElectionSession) async {
        let logger = logger
        let lease = lease
        await Task.detached {
            do {
                // Politeness: without it the Lease expires by itself.
                try await attempt(within: times.renewDeadline / 2) { try await session.release() }
            } catch {
                logger.info("\(lease) could not be released: \(error)")
            }
        }.value
    }
}

/// The Lease as one candidate knows it.
private actor ElectionSession {
    private let client: APIClient
    private let lease: NamespacedName
    private var state: LeaderElectionState
    /// As last written or read.
    private var object: Lease?
    private var isLeading = false
    /// Whether a write of ours has left that nothing was heard of: the server may have taken it.
    private var isUncertain = false
    private var isReleased = false
    private let clock: MonotonicClock

    init(client: APIClient, lease: NamespacedName, state: LeaderElectionState, clock: MonotonicClock) {
        self.client = client
        self.lease = lease
        self.state = state
        self.clock = clock
    }

    var leader: String? { state.leader }

    /// Takes or renews the Lease. Returns whether we hold it now.
    func tryToLead() async throws -> Bool {
        // A leader knows the Lease: it renews in one request, and reads only after a conflict.
        if isLeading, let object {
            do {
                return try await write(over: object)
            } catch let status as Status where status.isConflict || status.isNotFound {
                isLeading = false
            }
        }
        do {
            return try await write(over: try await client.get(Lease.self, lease.name, namespace: lease.namespace))
        } catch let status as Status where status.isNotFound {
            return try await write(over: nil)
        }
    }

    private func write(over current: Lease?) async throws -> Bool {
        let now = clock.now
        guard case .take(let spec) = state.decide(on: current?.spec, at: now, wallClock: WallClock.microTime) else {
            isLeading = false
            return false
        }
        guard !isReleased else { throw CancellationError() }
        isUncertain = true
        do {
            let written: Lease
            if var current {
                current.spec = spec
                written = try await client.update(current)
            } else {
                written = try await client.create(
                    Lease(metadata: ObjectMeta(name: lease.name, namespace: lease.namespace), spec: spec))
            }
            isUncertain = false
            object = written
            state.observe(written.spec ?? spec, at: now)
            isLeading = true
            return true
        } catch let status as Status {
            isUncertain = false
            if status.isAlreadyExists { return false }
            throw status
        }
    }

    /// Gives up what we hold, or may hold; nothing is taken after this.
    func release() async throws {
        isReleased = true
        guard isLeading || isUncertain else { return }
        isLeading = false
        if !isUncertain, let object {
            do {
                return try await giveUp(object)
            } catch let status as Status where status.isConflict || status.isNotFound {
                // Somebody else has it already, or a renewal of ours was still under way.
            }
        }
        do {
            try await giveUp(try await client.get(Lease.self, lease.name, namespace: lease.namespace))
        } catch let status as Status where status.isNotFound {
            // Then nobody holds it.
        }
    }

    private func giveUp(_ object: Lease) async throws {
        guard var spec = object.spec, spec.holderIdentity == state.identity else { return }
        var object = object
        spec = state.released(spec, wallClock: WallClock.microTime)
        object.spec = spec
        _ = try await client.update(object)
    }
}
