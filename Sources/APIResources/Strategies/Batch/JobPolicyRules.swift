import KubeModel

/// The rules of a Job's policies: what failed Pods mean, when it has succeeded early, when Pods are replaced.
struct JobPolicyRules {
    let spec: JSONValue

    private static let actions = ["Count", "FailIndex", "FailJob", "Ignore"]

    func check(_ path: FieldPath, _ errors: inout [FieldError]) {
        let failure = spec.at("podFailurePolicy")
        if let failure { checkFailure(failure, path.child("podFailurePolicy").child("rules"), &errors) }
        if let success = spec.at("successPolicy") {
            let path = path.child("successPolicy")
            if spec["completionMode"] == "Indexed" {
                checkSuccess(success, path.child("rules"), &errors)
            } else {
                errors.invalid(path, success, "requires indexed completion mode")
            }
        }
        if let replacement = spec["podReplacementPolicy"]?.string {
            errors.oneOf(
                path.child("podReplacementPolicy"), replacement,
                failure == nil ? ["Failed", "TerminatingOrFailed"] : ["Failed"])
        }
    }

    private func checkFailure(_ policy: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let rules = policy["rules"]?.array ?? []
        if rules.count > 20 { errors.tooMany(path, rules.count, 20) }
        for (index, rule) in rules.enumerated() {
            let path = path.index(index)
            let action = rule.text("action")
            if action.isEmpty {
                let list = Self.actions.map(goQuoted).joined(separator: " ")
                errors.required(path.child("action"), "valid values: [\(list)]")
            } else if action == "FailIndex", spec.at("backoffLimitPerIndex") == nil {
                errors.invalid(
                    path.child("action"), .string(action), "requires the backoffLimitPerIndex to be set")
            } else {
                errors.oneOf(path.child("action"), action, Self.actions)
            }
            let codes = rule.at("onExitCodes")
            let conditions = rule["onPodConditions"]?.array ?? []
            if let codes { checkCodes(codes, path.child("onExitCodes"), &errors) }
            checkConditions(conditions, path.child("onPodConditions"), &errors)
            if codes != nil, !conditions.isEmpty {
                errors.append(
                    .invalid(path, nil, "specifying both OnExitCodes and OnPodConditions is not supported"))
            } else if codes == nil, conditions.isEmpty {
                errors.append(
                    .invalid(path, nil, "specifying one of OnExitCodes and OnPodConditions is required"))
            }
        }
    }

    private func checkConditions(_ conditions: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        if conditions.count > 20 { errors.tooMany(path, conditions.count, 20) }
        for (index, condition) in conditions.enumerated() {
            let path = path.index(index)
            let type = condition.text("type")
            errors.invalid(path.child("type"), .string(type), Validation.qualifiedName(type))
            let status = condition.text("status")
            if status.isEmpty {
                errors.required(path.child("status"), "valid values: [\"False\" \"True\" \"Unknown\"]")
            } else {
                errors.oneOf(path.child("status"), status, ["False", "True", "Unknown"])
            }
        }
    }

    private func checkCodes(_ codes: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let comparison = codes.text("operator")
        if comparison.isEmpty {
            errors.required(path.child("operator"), "valid values: [\"In\" \"NotIn\"]")
        } else {
            errors.oneOf(path.child("operator"), comparison, ["In", "NotIn"])
        }
        let pod = spec["template"]["spec"]
        let containers = (pod["containers"].array ?? []) + (pod["initContainers"].array ?? [])
        if let name = codes["containerName"]?.string, !containers.contains(where: { $0["name"]?.string == name }) {
            errors.invalid(
                path.child("containerName"), .string(name),
                "must be one of the container or initContainer names in the pod template")
        }
        let values = codes["values"]?.array ?? []
        let valuesPath = path.child("values")
        if values.isEmpty { errors.invalid(valuesPath, .array(values), "at least one value is required") }
        if values.count > 255 { errors.tooMany(valuesPath, values.count, 255) }
        var seen: Set<Int> = []
        var isOrdered = true
        for (index, value) in values.enumerated() {
            let number = value.int ?? 0
            if comparison == "In", number == 0 {
                errors.invalid(valuesPath.index(index), value, "must not be 0 for the In operator")
            }
            if !seen.insert(number).inserted { errors.duplicate(valuesPath.index(index), value) }
            if index > 0, values[index - 1].int ?? 0 > number { isOrdered = false }
        }
        if !isOrdered { errors.invalid(valuesPath, .array(values), "must be ordered") }
    }

    private func checkSuccess(_ policy: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let rules = policy["rules"]?.array ?? []
        if rules.isEmpty {
            errors.required(path, "at least one rules must be specified when the successPolicy is specified")
        }
        if rules.count > 20 { errors.tooMany(path, rules.count, 20) }
        for (index, rule) in rules.enumerated() {
            let path = path.index(index)
            let count = rule.at("succeededCount")
            let indexes = rule["succeededIndexes"]?.string
            if count == nil, indexes == nil {
                errors.required(path, "at least one of succeededCount or succeededIndexes must be specified")
            }
            errors.nonnegative(path.child("succeededCount"), count)
            let completions = spec["completions"]?.int
            if let count, let number = count.int, let completions, number > completions {
                errors.invalid(
                    path.child("succeededCount"), count,
                    "must be less than or equal to \(completions) (the number of specified completions)")
            }
            guard let indexes else { continue }
            switch Self.size(of: indexes, below: completions ?? 0) {
            case .failure(let problem):
                errors.invalid(
                    path.child("succeededIndexes"), .string(indexes),
                    "error parsing succeededIndexes: \(problem.message)")
            case .success(let total):
                guard let count, let number = count.int, number > total else { continue }
                errors.invalid(
                    path.child("succeededCount"), count,
                    "must be less than or equal to \(total) (the number of indexes in the specified "
                        + "succeededIndexes field)")
            }
        }
    }

    struct IndexProblem: Error {
        let message: String
    }

    /// How many indexes a text such as `1,3-5` names; they are in order and below `limit`.
    private static func size(of text: String, below limit: Int) -> Result<Int, IndexProblem> {
        guard !text.isEmpty else { return .success(0) }
        var total = 0
        var last = -1
        for interval in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = interval.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = Int(ends[0]) else {
                let part = ends.count > 2 ? String(interval) : String(ends[0])
                return .failure(
                    IndexProblem(
                        message: ends.count > 2
                            ? "the fragment \"\(part)\" violates the requirement that an index interval can have at "
                                + "most two parts separated by '-'"
                            : "cannot convert string to integer for index: \"\(part)\""))
            }
            guard let end = ends.count == 2 ? Int(ends[1]) : first else {
                return .failure(
                    IndexProblem(message: "cannot convert string to integer for index: \"\(ends[1])\""))
            }
            if ends.count == 2, first >= end {
                return .failure(IndexProblem(message: "non-increasing order, previous: \(first), current: \(end)"))
            }
            if first <= last {
                return .failure(IndexProblem(message: "non-increasing order, previous: \(last), current: \(first)"))
            }
            if end >= limit { return .failure(IndexProblem(message: "too large index: \"\(end)\"")) }
            total += end - first + 1
            last = end
        }
        return .success(total)
    }
}
