/// The answer to one `AccessAttributes`.
struct AccessDecision: Sendable, Hashable {
    enum Outcome: Sendable, Hashable {
        case allowed
        /// Nothing says that it is allowed, which refuses it.
        case noOpinion
        /// Refused whatever else may be said.
        case denied
    }

    var outcome: Outcome
    /// For people; may be "".
    var reason = ""
    /// What went wrong while deciding; may be "".
    var evaluationError = ""

    var isAllowed: Bool { outcome == .allowed }

    static let allowed = AccessDecision(outcome: .allowed)
}

/// What somebody may do in one namespace (`SubjectRulesReviewStatus`).
struct AccessRules: Sendable, Hashable {
    struct ResourceRule: Sendable, Hashable {
        var verbs: [String]
        var groups: [String]
        var resources: [String]
        /// Empty: all.
        var names: [String] = []
    }

    struct PathRule: Sendable, Hashable {
        var verbs: [String]
        /// `*` at the end stands for the rest.
        var paths: [String]
    }

    var resources: [ResourceRule] = []
    var paths: [PathRule] = []
    /// There may be more that cannot be listed.
    var isIncomplete = false
    var evaluationError = ""
}
