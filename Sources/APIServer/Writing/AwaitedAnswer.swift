import KubeModel
import Synchronization

/// Where the word arrives that a step of admission waits for. Only the first counts; when nobody is left who could give
/// one, the write is refused.
final class AwaitedAnswer: Sendable {
    private let isGiven = Atomic(false)
    private let take: @Sendable (AdmissionVerdict.Answer) -> Void

    /// - Parameter take: called once, from whatever thread has the answer.
    init(_ take: @escaping @Sendable (AdmissionVerdict.Answer) -> Void) {
        self.take = take
    }

    deinit {
        give(.refuse(.internalError("whoever was asked about the object has given no answer")))
    }

    func give(_ answer: AdmissionVerdict.Answer) {
        guard !isGiven.exchange(true, ordering: .relaxed) else { return }
        take(answer)
    }
}
