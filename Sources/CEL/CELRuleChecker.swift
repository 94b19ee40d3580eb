import KubeModel

/// Checks the rules of a definition's schema, with the wording of k8s.io/apiextensions-apiserver's validation.
struct CELRuleChecker {
    private let nodes: [SchemaGraph.Node]
    private let root: Int
    private var declarations: CELDeclarations
    private(set) var errors: [FieldError] = []
    private var total: UInt64 = 0
    /// What contributes most to the total.
    private var expensive: [(path: FieldPath, cost: UInt64)] = []

    /// How often a place can occur in one object: nil when lists or maps around it have no limit.
    private struct Surroundings {
        var cardinality: UInt64? = 1
        /// A list whose elements cannot be paired with their old values.
        var uncorrelatable: FieldPath?

        func inside(_ count: Int?) -> Surroundings {
            var inner = self
            inner.cardinality = count.flatMap { count in cardinality.map { CELCost.multiply($0, UInt64(count)) } }
            return inner
        }
    }

    init(nodes: [SchemaGraph.Node], root: Int) {
        self.nodes = nodes
        self.root = root
        declarations = CELDeclarations(nodes: nodes, root: root)
    }

    mutating func run(at path: FieldPath) {
        visit(root, path, Surroundings(), depth: 0)
        guard total > CELCost.schemaLimit else { return }
        for rule in expensive {
            errors.append(
                .forbidden(
                    rule.path,
                    "contributed to estimated rule & messageExpression cost total exceeding cost limit for entire "
                        + "OpenAPIv3 schema"))
        }
        errors.append(
            .forbidden(
                path,
                CELRuleChecker.excess(
                    "x-kubernetes-validations estimated rule & messageExpression cost total for entire OpenAPIv3 "
                        + "schema", total, CELCost.schemaLimit)))
    }

    private mutating func visit(_ index: Int, _ path: FieldPath, _ around: Surroundings, depth: Int) {
        guard depth < 200 else { return }
        let node = nodes[index]
        for (name, child) in node.properties {
            visit(child, path.child("properties").key(name), around, depth: depth + 1)
        }
        if let items = node.items {
            var inner = around.inside(node.maxItems)
            if node.listType != "map" { inner.uncorrelatable = inner.uncorrelatable ?? path }
            visit(items, path.child("items"), inner, depth: depth + 1)
        }
        if case .schema(let child) = node.additional {
            visit(child, path.child("additionalProperties"), around.inside(node.maxProperties), depth: depth + 1)
        }
        for (place, part) in node.allOf.enumerated() where !nodes[part].rules.isEmpty {
            check(nodes[part].rules, index, path.child("allOf").index(place), around)
        }
        if !node.rules.isEmpty { check(node.rules, index, path, around) }
    }

    private mutating func check(_ rules: [JSONValue], _ index: Int, _ path: FieldPath, _ around: Surroundings) {
        let sources = rules.map { CELRuleSource(json: $0) }
        let before = errors.count
        for (place, source) in sources.enumerated() {
            checkForm(source, index, path.child("x-kubernetes-validations").index(place))
        }
        // What is not even well-formed is not compiled.
        guard errors.count == before else { return }
        guard let declaration = declarations.declaration(of: index) else {
            errors.append(
                .invalid(
                    path.child("x-kubernetes-validations"), nil,
                    "rules cannot be written for a schema without a type"))
            return
        }
        for (place, source) in sources.enumerated() {
            compile(source, declaration, path.child("x-kubernetes-validations").index(place), around)
        }
    }

    private static let reasons = [
        "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
    ]

    private mutating func checkForm(_ source: CELRuleSource, _ index: Int, _ path: FieldPath) {
        let message = source.message.trimmed
        if source.rule.trimmed.isEmpty {
            errors.append(.required(path.child("rule"), "rule is not specified"))
        } else if !source.message.isEmpty, message.isEmpty {
            errors.append(
                .invalid(path.child("message"), .string(source.message), "message must be non-empty if specified"))
        } else if message.contains("\n") {
            errors.append(
                .invalid(path.child("message"), .string(source.message), "message must not contain line breaks"))
        } else if source.rule.trimmed.contains("\n"), message.isEmpty {
            errors.append(
                .required(path.child("message"), "message must be specified if rule contains line breaks"))
        }
        if !source.messageExpression.isEmpty, source.messageExpression.trimmed.isEmpty {
            errors.append(
                .required(path.child("messageExpression"), "messageExpression must be non-empty if specified"))
        }
        if let reason = source.reason, !CELRuleChecker.reasons.contains(reason) {
            errors.append(.notSupported(path.child("reason"), .string(reason), supported: CELRuleChecker.reasons))
        }
        let field = path.child("fieldPath")
        if !source.fieldPath.isEmpty {
            if source.fieldPath.trimmed.isEmpty {
                errors.append(
                    .invalid(field, .string(source.fieldPath), "fieldPath must be non-empty if specified"))
            }
            if source.fieldPath.contains("\n") {
                errors.append(
                    .invalid(field, .string(source.fieldPath), "fieldPath must not contain line breaks"))
            }
            let (steps, problem) = CELFieldPath.steps(source.fieldPath, nodes, index)
            if steps == nil {
                errors.append(
                    .invalid(field, .string(source.fieldPath), "fieldPath must be a valid path: \(problem)"))
            }
        }
    }

    private mutating func compile(
        _ source: CELRuleSource, _ declaration: CELDeclaration, _ path: FieldPath, _ around: Surroundings
    ) {
        let isOptional = source.optionalOldSelf ?? false
        let rulePath = path.child("rule")
        do throws(CELProblem) {
            let rule = try CELCompilation.compile(source.rule, self: declaration, oldSelfIsOptional: isOptional)
            if case .bool = rule.type {
                let count =
                    around.cardinality ?? UInt64(CELDeclaration.requestSize / (declaration.minimumSize + 1))
                observe("estimated rule cost", CELCost.multiply(rule.maximumCost, count), rulePath)
            } else {
                errors.append(.invalid(rulePath, source.json, "cel expression must evaluate to a bool"))
            }
            if rule.usesOldSelf, let list = around.uncorrelatable {
                errors.append(
                    .invalid(
                        rulePath, .string(source.rule),
                        "oldSelf cannot be used on the uncorrelatable portion of the schema within \(list)"))
            }
            if source.optionalOldSelf != nil, !rule.usesOldSelf {
                errors.append(
                    .invalid(
                        path.child("optionalOldSelf"), source.json["optionalOldSelf"],
                        "may not be set if oldSelf is not used in rule"))
            }
        } catch {
            errors.append(
                .invalid(rulePath, source.json, "compilation failed: \(error.rendered(in: source.rule))"))
        }
        guard !source.messageExpression.isEmpty else { return }
        let messagePath = path.child("messageExpression")
        do throws(CELProblem) {
            let message = try CELCompilation.compile(
                source.messageExpression, self: declaration, oldSelfIsOptional: isOptional)
            guard case .string = message.type else {
                errors.append(
                    .invalid(messagePath, source.json, "messageExpression must evaluate to a string"))
                return
            }
            observe("estimated messageExpression cost", message.maximumCost, messagePath)
        } catch {
            errors.append(
                .invalid(
                    messagePath, source.json,
                    "messageExpression compilation failed: \(error.rendered(in: source.messageExpression))"))
        }
    }

    private mutating func observe(_ name: String, _ cost: UInt64, _ path: FieldPath) {
        if cost > CELCost.ruleLimit {
            errors.append(.forbidden(path, CELRuleChecker.excess(name, cost, CELCost.ruleLimit)))
        }
        total = CELCost.add(total, cost)
        guard cost >= CELCost.schemaLimit / 100 else { return }
        expensive.append((path, cost))
        expensive.sort { $0.cost > $1.cost }
        if expensive.count > 4 { expensive.removeLast() }
    }

    private static func excess(_ name: String, _ cost: UInt64, _ limit: UInt64) -> String {
        let factor = Double(cost) / Double(limit)
        let text = factor > 100 ? "more than 100" : CELFormatting.fixed(factor, factor < 1.5 ? 6 : 1)
        return "\(name) exceeds budget by factor of \(text)x (try simplifying the rule, or adding maxItems, "
            + "maxProperties, and maxLength where arrays, maps, and strings are declared)"
    }
}
