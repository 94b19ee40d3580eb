extension Schema {
    /// What an object violates of the rules that its schema carries, worded as kube-apiserver does. Empty, at almost
    /// no cost, for schemas without rules.
    ///
    /// Call it when `validate` found nothing that leaves the object's shape in doubt; see
    /// `FieldError.skippedRules(after:)`.
    ///
    /// - Parameters:
    ///   - new: the whole object, pruned and defaulted.
    ///   - old: the object that an update replaces, for rules that speak of `oldSelf`; nil on create.
    ///   - path: where the value stands: empty for a whole object.
    public func ruleErrors(_ new: JSONValue, old: JSONValue?, at path: FieldPath = FieldPath()) -> [FieldError] {
        guard let rules = graph.rules, rules.stand(at: index) else { return [] }
        return rules.errors(new, old: old, at: index, in: graph, path: path)
    }

    /// Whether rules stand anywhere in the schema.
    public var hasRules: Bool { graph.rules?.stand(at: index) ?? false }
}

extension FieldError {
    /// The error that takes the place of rules when the object's shape is in doubt; nil when rules can be checked.
    public static func skippedRules(after errors: [FieldError]) -> FieldError? {
        let blocks = errors.contains { error in
            switch error.kind {
            case .notSupported, .required, .tooLong, .tooMany, .typeInvalid: true
            default: false
            }
        }
        guard blocks else { return nil }
        return .invalid(
            FieldPath(), .string("null"),
            "some validation rules were not checked because the object was invalid; correct the existing errors to "
                + "complete validation")
    }
}
