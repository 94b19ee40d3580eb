import KubeModel
import Synchronization

/// Carries out the checks of ``CheckRounds`` as they come due.
final class CheckRunner: Sendable {
    private let check: @Sendable (ProbeTarget, Duration) async -> String?
    private let onTurn: @Sendable (CheckRounds.Key, CheckRounds.Turn) -> Void
    private let start = ContinuousClock.now
    // The mutex protects the rounds.
    private let rounds: Mutex<CheckRounds>
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - check: carries out one check within a time; nil means success.
    ///   - onTurn: called when a target changed sides.
    init(
        limits: CheckRounds.Limits = CheckRounds.Limits(),
        check: @escaping @Sendable (ProbeTarget, Duration) async -> String?,
        onTurn: @escaping @Sendable (CheckRounds.Key, CheckRounds.Turn) -> Void
    ) {
        self.check = check
        self.onTurn = onTurn
        rounds = Mutex(CheckRounds(limits: limits))
        (wake, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Makes exactly these targets those of a Service; see ``CheckRounds``.
    ///
    /// - Returns: how many there was no room for.
    func set(_ wanted: [ProbeTarget: Bool], _ pace: CheckRounds.Pace, for service: NamespacedName) -> Int {
        var random = SystemRandomNumberGenerator()
        defer { waker.yield() }
        return rounds.withLock { $0.set(wanted, pace, for: service, at: now, using: &random) }
    }

    /// Forgets a Service.
    func remove(_ service: NamespacedName) {
        rounds.withLock { $0.remove(service) }
    }

    /// What was found of a target; nil for one that is not checked.
    func isFailing(_ target: ProbeTarget, of service: NamespacedName) -> Bool? {
        rounds.withLock { $0.isChecked(target, of: service) ? $0.isFailing(target, of: service) : nil }
    }

    /// Carries out checks until cancelled. Must not run twice at a time. Sleeps while there is nothing to check.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for await _ in wake {
                while true {
                    let (due, isEmpty) = rounds.withLock { ($0.due(at: now), $0.isEmpty) }
                    for item in due { group.addTask { await self.carryOut(item) } }
                    if isEmpty { break }
                    try await Task.sleep(for: CheckRounds.tick)
                }
            }
            try Task.checkCancellation()
        }
    }

    private var now: Duration { start.duration(to: .now) }

    private func carryOut(_ due: CheckRounds.Due) async {
        let failure = await check(due.key.target, due.timeout)
        var random = SystemRandomNumberGenerator()
        // Cut short, it has found nothing.
        guard !Task.isCancelled else { return }
        if let turn = rounds.withLock({ $0.note(failure, of: due, at: now, using: &random) }) {
            onTurn(due.key, turn)
        }
    }
}
