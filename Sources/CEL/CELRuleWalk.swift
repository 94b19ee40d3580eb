import KubeModel

/// One walk of an object along its schema that evaluates the rules on the way.
///
/// Transition rules see the old value of fields, of map entries with the same key, and of elements of lists of type
/// `map` with the same keys; elements of other lists have no old value. An update that leaves a value as it was may
/// keep it even if it violates a rule that does not speak of `oldSelf`.
struct CELRuleWalk {
    private let graph: SchemaGraph
    private let set: CELRuleSet
    private(set) var errors: [FieldError] = []
    private var path: [FieldPath.Step]
    private var budget = CELCost.requestLimit
    private var isStopped = false
    private let deadline = CELDeadline(secondsFromNow: 10)

    /// The nearest value that can be compared with its old one.
    private final class Pair {
        let new: JSONValue
        let old: JSONValue
        private(set) lazy var isUnchanged = new == old

        init(_ new: JSONValue, _ old: JSONValue) {
            self.new = new
            self.old = old
        }
    }

    init(graph: SchemaGraph, set: CELRuleSet, path: FieldPath) {
        self.path = path.steps
        self.graph = graph
        self.set = set
    }

    mutating func run(_ index: Int, _ value: JSONValue, old: JSONValue?) {
        visit(index, value, old, nil)
    }

    private mutating func visit(_ index: Int, _ value: JSONValue, _ old: JSONValue?, _ outer: Pair?) {
        guard set.leads[index], !value.isNull, !isStopped else { return }
        let old = old?.isNull == true ? nil : old
        let pair = old.map { Pair(value, $0) } ?? outer
        if let rules = set.rules[index] { evaluate(rules, index, value, old, pair) }
        let node = graph.nodes[index]
        switch value {
        case .array(let elements):
            guard let items = node.items, set.leads[items] else { return }
            let oldElements = node.listType == "map" ? old?.array ?? [] : []
            var byKey: [JSONValue: JSONValue] = [:]
            for element in oldElements {
                let key = self.key(element, node)
                if byKey[key] == nil { byKey[key] = element }
            }
            for (place, element) in elements.enumerated() where !isStopped {
                path.append(.index(place))
                visit(items, element, byKey.isEmpty ? nil : byKey[key(element, node)], pair)
                path.removeLast()
            }
        case .object(let object):
            for (name, member) in object where !isStopped {
                let place: Int
                if let known = node.property(name) {
                    guard set.leads[known] else { continue }
                    place = known
                    path.append(.child(name))
                } else if case .schema(let inner) = node.additional, set.leads[inner] {
                    place = inner
                    path.append(.key(name))
                } else {
                    continue
                }
                visit(place, member, old?[name], pair)
                path.removeLast()
            }
        default: return
        }
    }

    private func key(_ element: JSONValue, _ node: SchemaGraph.Node) -> JSONValue {
        var key = JSONObject()
        for name in node.listMapKeys { key[name] = element[name] }
        return .object(key)
    }

    // MARK: Rules of one value

    private mutating func evaluate(
        _ rules: [CELRule], _ index: Int, _ value: JSONValue, _ old: JSONValue?, _ pair: Pair?
    ) {
        let here = FieldPath(steps: path)
        let type = JSONValue.string(graph.nodes[index].type?.rawValue ?? "")
        guard budget > 0 else { return runOut(here, type) }
        let declaration = set.declarations[index] ?? .dynamic
        for rule in rules {
            guard let program = rule.program else {
                errors.append(.invalid(here, type, "rule compile error: \(rule.failure ?? "")"))
                continue
            }
            if rule.usesOldSelf, old == nil, !rule.oldSelfIsOptional { continue }
            let values: (new: CELValue, old: CELValue)
            do throws(CELFailure) {
                let previous =
                    rule.usesOldSelf
                    ? try old.map { value throws(CELFailure) in
                        try CELValue(value, declaration)
                    } : nil
                values = (
                    try CELValue(value, declaration), rule.oldSelfIsOptional ? .optional(previous) : previous ?? .null
                )
            } catch {
                errors.append(.invalid(here, type, "\(error.message) evaluating rule: \(rule.source.name)"))
                continue
            }
            var evaluator = CELEvaluator(program, self: values.new, oldSelf: values.old, deadline: deadline)
            let result: CELValue
            do throws(CELFailure) {
                result = try evaluator.run()
            } catch {
                guard spend(evaluator.cost) else { return runOut(here, type) }
                report(error, rule, here, type)
                if error == .costExceeded { return isStopped = true }
                continue
            }
            guard spend(evaluator.cost) else { return runOut(here, type) }
            if case .bool(true) = result { continue }
            let violation = self.violation(of: rule, values, here, type)
            if rule.usesOldSelf || pair?.isUnchanged != true { errors.append(violation) }
            if isStopped { return }
        }
    }

    /// Whether the cost is within what is left for the request.
    private mutating func spend(_ cost: UInt64) -> Bool {
        guard cost <= budget else { return false }
        budget -= cost
        return true
    }

    private mutating func runOut(_ here: FieldPath, _ type: JSONValue) {
        errors.append(
            .invalid(
                here, type,
                "validation failed due to running out of cost budget, no further validation rules will be run"))
        isStopped = true
    }

    private mutating func report(_ failure: CELFailure, _ rule: CELRule, _ here: FieldPath, _ type: JSONValue) {
        let detail =
            if failure == .costExceeded {
                "'\(failure.message)': no further validation rules will be run due to call cost exceeds limit for "
                    + "rule: \(rule.source.name)"
            } else if failure == .noSuchOverload {
                "'\(failure.message)': call arguments did not match a supported operator, function or macro signature "
                    + "for rule: \(rule.source.name)"
            } else {
                "\(failure.message) evaluating rule: \(rule.source.name)"
            }
        errors.append(.invalid(here, type, detail))
    }

    private mutating func violation(
        of rule: CELRule, _ values: (new: CELValue, old: CELValue), _ here: FieldPath, _ type: JSONValue
    ) -> FieldError {
        let field = FieldPath(steps: here.steps + rule.fieldSteps)
        var detail = rule.source.message.isEmpty ? "failed rule: \(rule.source.name)" : rule.source.name
        if let program = rule.messageProgram {
            var evaluator = CELEvaluator(program, self: values.new, oldSelf: values.old, deadline: deadline)
            var text: String?
            var failure: CELFailure?
            do throws(CELFailure) {
                if case .string(let message) = try evaluator.run() { text = message.trimmed }
            } catch {
                failure = error
            }
            guard spend(evaluator.cost) else {
                isStopped = true
                return .invalid(
                    field, type,
                    "messageExpression evaluation failed due to running out of cost budget, no further validation "
                        + "rules will be run")
            }
            if failure == .costExceeded {
                isStopped = true
                return .invalid(
                    field, type,
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression: "
                        + goQuoted(rule.source.messageExpression))
            }
            // Empty, long or of several lines: the rule's own message stands in.
            if let text, !text.isEmpty, text.utf8.count <= 5 * 1024, !text.contains("\n") { detail = text }
        }
        switch rule.source.reason {
        case "FieldValueForbidden": return .forbidden(field, detail)
        case "FieldValueRequired": return .required(field, detail)
        case "FieldValueDuplicate": return .duplicate(field, type)
        default: return .invalid(field, type, detail)
        }
    }
}
