/// The validation rules of custom resources: `x-kubernetes-validations`, written in the Common Expression Language.
public enum CELRules {
    /// What is wrong with the rules of a CustomResourceDefinition's schema: expressions that do not compile against the
    /// schema, functions that are not supported, messages and field paths of the wrong form, and rules that could
    /// cost too much on the largest object that the schema allows.
    ///
    /// - Parameters:
    ///   - schema: `openAPIV3Schema`, already found to be structural. One that cannot be compiled has no problems here.
    ///   - path: where the schema stands in the definition: `spec.versions[0].schema.openAPIV3Schema`.
    public static func problems(inSchema schema: JSONValue, at path: FieldPath) -> [FieldError] {
        let document = OpenAPIDocument(name: "schema", json: ["components": ["schemas": ["root": schema]]])
        // What does not compile is reported by the check of the schema itself.
        guard let (nodes, components) = try? SchemaCompiler.compileNodes(document),
            let root = components["root"], nodes.contains(where: { !$0.rules.isEmpty })
        else { return [] }
        var checker = CELRuleChecker(nodes: nodes, root: root)
        checker.run(at: path)
        return checker.errors
    }
}

extension CELRules {
    /// The most that evaluating a rule once on a value of a schema can cost; nil when it does not compile.
    package static func estimatedCost(of rule: String, in schema: JSONValue) -> UInt64? {
        let document = OpenAPIDocument(name: "schema", json: ["components": ["schemas": ["it": schema]]])
        // Either is nil for what does not compile.
        guard let (nodes, components) = try? SchemaCompiler.compileNodes(document), let place = components["it"] else {
            return nil
        }
        var declarations = CELDeclarations(nodes: nodes, root: nil)
        guard let declaration = declarations.declaration(of: place) else { return nil }
        // As above.
        return try? CELCompilation.compile(rule, self: declaration, oldSelfIsOptional: false).maximumCost
    }
}

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
        guard let set = graph.ruleSet, set.leads[index] else { return [] }
        var walk = CELRuleWalk(graph: graph, set: set, path: path)
        walk.run(index, new, old: old)
        return walk.errors
    }

    /// Whether rules stand anywhere in the schema.
    public var hasRules: Bool { graph.ruleSet?.leads[index] ?? false }
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
