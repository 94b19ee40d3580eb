import Synchronization

/// "Something changed" for one consumer: raised any number of times, it is seen at least once afterwards.
final class ChangeSignal: Sendable {
    let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let isRaised = Atomic<Bool>(false)

    init() {
        (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func raise() {
        isRaised.store(true, ordering: .relaxed)
        continuation.yield()
    }

    /// Whether it was raised since this was asked last; what `changes` delivers is not touched by it.
    func takeRaised() -> Bool { isRaised.exchange(false, ordering: .relaxed) }
}
