/// The body of one request while it arrives: its bytes, its claim on the process's budget, and its deadline.
/// Loop-confined, like the exchange that it belongs to.
final class RequestBodyReader {
    typealias Completion = @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void

    private let budget: ByteBudget
    private let limit: Int
    private let length: Int?
    private let sender: RequestSender?
    private let deadline: MonotonicTime
    private var claim: ByteBudget.Claim?
    private var completion: Completion?
    private var bytes: [UInt8] = []
    /// Whether bytes may be taken: the budget has room for all of them.
    private(set) var isAdmitted = false

    /// - Parameters:
    ///   - length: What the head announces; nil when it does not say. One beyond the limit fails at once.
    ///   - sender: of whose share of the budget it takes.
    init(
        length: Int?, sender: RequestSender?, configuration: HTTPServerConfiguration, now: MonotonicTime,
        completion: @escaping Completion
    ) {
        budget = configuration.bodyBudget
        limit = configuration.maxBodyBytes
        self.length = length
        self.sender = sender
        deadline = now + configuration.bodyTimeout
        self.completion = completion
        if let length, length > limit { fail(.tooLarge) }
    }

    /// The bytes that the body may need: of unknown length, what it may become.
    var wanted: Int { length ?? limit }

    /// Asks for room in the process's budget, once. If there is none yet, `onGrant` is called on any thread when there is;
    /// ``granted()`` follows on the loop.
    func claimRoom(onGrant: @escaping @Sendable () -> Void) {
        guard isOpen, claim == nil else { return }
        claim = budget.claim(wanted, by: sender, onGrant: onGrant)
        guard let claim else { return fail(.noRoom) }
        if claim.isGranted { granted() }
    }

    deinit { release() }

    /// Whether the handler has not got its result yet.
    var isOpen: Bool { completion != nil }

    /// The budget has room now.
    func granted() {
        guard isOpen, !isAdmitted else { return }
        isAdmitted = true
        if let length { bytes.reserveCapacity(length) }
    }

    /// Takes the next bytes; more than may be there fail the body.
    func append(_ piece: UnsafeRawBufferPointer) {
        guard isOpen else { return }
        guard bytes.count + piece.count <= limit else { return fail(.tooLarge) }
        bytes.append(contentsOf: piece)
    }

    /// Everything has arrived.
    func finish() {
        guard let completion else { return }
        self.completion = nil
        if var held = claim {
            budget.shrink(&held, to: bytes.count)
            claim = held
        }
        let result = bytes
        bytes = []
        completion(.success(result))
    }

    func fail(_ failure: RequestBodyFailure) {
        guard let completion else { return }
        self.completion = nil
        bytes = []
        release()
        completion(.failure(failure))
    }

    /// The handler has answered without waiting for the end: it is not told of one.
    func abandon() {
        completion = nil
        bytes = []
        release()
    }

    func expire(at now: MonotonicTime) {
        if isOpen, now >= deadline { fail(.tooSlow) }
    }

    /// The exchange is over, and with it the need for the bytes.
    func release() {
        if let claim { budget.release(claim) }
        claim = nil
    }
}
