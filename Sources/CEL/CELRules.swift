public import KubeModel

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
