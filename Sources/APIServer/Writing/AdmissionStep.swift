import KubeModel

/// One of the things that happen to every object before it is stored. The order of them all is
/// ``AdmissionStep/standard``; a step works on a draft and touches nothing else.
struct AdmissionStep: Sendable {
    typealias Work = @Sendable (inout WriteDraft, AdmissionSurroundings) throws(Status) -> AdmissionVerdict

    let name: String
    /// What it does to a new object; nil: nothing.
    let create: Work?
    /// What it does to a changed one; nil: nothing.
    let update: Work?

    /// - Parameters: what the step does; a ``Status`` that is thrown is the answer to the client.
    init(_ name: String, create: Work? = nil, update: Work? = nil) {
        self.name = name
        self.create = create
        self.update = update
    }

    /// A step that treats new and changed objects alike.
    static func always(_ name: String, _ work: @escaping Work) -> AdmissionStep {
        AdmissionStep(name, create: work, update: work)
    }
}

/// What steps may look at besides the draft.
struct AdmissionSurroundings: Sendable {
    let namespaces: NamespaceLifecycle
    /// Where the other versions of a kind are found.
    let resources: ServedResources
}

/// What a step says when it does not refuse.
enum AdmissionVerdict: Sendable {
    case proceed
    /// Nothing would change: the answer is the object as it is, and nothing is stored.
    case unchanged
    /// The step needs somebody else's word. `Question` is called once, on a thread that may not block; it hands the answer
    /// to `resume`, now or later and from any thread. Only the first call counts; when `resume` is let go of without
    /// one, the write is refused. Whoever asks has a deadline: the write keeps its place among those in flight until
    /// there is an answer, also when its client is gone.
    case wait(Question)

    typealias Question = @Sendable (_ resume: @escaping @Sendable (Answer) -> Void) -> Void
    typealias Correction = @Sendable (inout WriteDraft) throws(Status) -> Void

    enum Answer: Sendable {
        case proceed
        /// The draft is changed before the next step.
        case change(Correction)
        case refuse(Status)
    }
}
