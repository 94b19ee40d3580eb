import KubeModel

/// A draft on its way through the steps. Knows no thread and no store: `proceed` says what is to be done next, and whoever
/// runs the plan does that.
struct AdmissionPlan: Sendable {
    private(set) var draft: WriteDraft
    private var steps: ArraySlice<AdmissionStep>

    enum Action {
        /// Every step has had its turn.
        case store
        case answerUnchanged
        /// Goes on with `resume` once there is an answer.
        case ask(AdmissionVerdict.Question)
    }

    init(_ draft: WriteDraft, steps: [AdmissionStep]) {
        self.draft = draft
        self.steps = steps[...]
    }

    /// Runs steps until one wants something that is not the plan's to do.
    /// - Throws: what a step refuses with; `draft` has what is still claimed.
    mutating func proceed(_ surroundings: AdmissionSurroundings) throws(Status) -> Action {
        while let step = steps.popFirst() {
            guard let work = draft.isNew ? step.create : step.update else { continue }
            switch try work(&draft, surroundings) {
            case .proceed: continue
            case .unchanged: return .answerUnchanged
            case .wait(let question): return .ask(question)
            }
        }
        return .store
    }

    /// Takes the answer that the last step waited for.
    mutating func resume(_ answer: AdmissionVerdict.Answer) throws(Status) {
        switch answer {
        case .proceed: return
        case .change(let correct): try correct(&draft)
        case .refuse(let status): throw status
        }
    }
}
