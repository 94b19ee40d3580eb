import KubeModel

/// The rules that lists of names and of label selectors have in MetalLB's kinds: no entry twice, and nothing twice in an entry.
enum SelectorRules {
    /// - Parameter path: of the list.
    static func checkNames(_ names: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for (index, name) in (names?.array ?? []).enumerated() where !seen.insert(name.string ?? "").inserted {
            errors.duplicate(path.index(index), name)
        }
    }

    /// - Parameter path: of the list.
    static func checkSelectors(_ selectors: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<LabelSelector> = []
        for (index, document) in (selectors?.array ?? []).enumerated() {
            let path = path.index(index)
            guard let selector = LabelSelector(document: document) else {
                errors.required(path, "must be a label selector")
                continue
            }
            check(selector, path, &errors)
            if !seen.insert(ordered(selector)).inserted { errors.duplicate(path, document) }
        }
    }

    static func check(_ selector: LabelSelector, _ path: FieldPath, _ errors: inout [FieldError]) {
        errors += Validation.labelSelector(selector, at: path)
        var requirements: Set<LabelSelector.Requirement> = []
        for (index, requirement) in (ordered(selector).matchExpressions ?? []).enumerated() {
            let path = path.child("matchExpressions").index(index)
            let values = requirement.values ?? []
            for (one, other) in zip(values, values.dropFirst()) where one == other {
                errors.duplicate(path.child("values"), .string(one))
            }
            if !requirements.insert(requirement).inserted { errors.duplicate(path, .string(requirement.key)) }
        }
    }

    /// With the values of each requirement in order, which say the same in any.
    private static func ordered(_ selector: LabelSelector) -> LabelSelector {
        var selector = selector
        selector.matchExpressions = selector.matchExpressions?.map { requirement in
            var requirement = requirement
            requirement.values?.sort()
            return requirement
        }
        return selector
    }
}
