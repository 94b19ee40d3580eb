/// The rules that the nodes of a schema carry (`x-kubernetes-validations`), compiled.
package protocol SchemaRules: Sendable {
    /// Whether rules stand at a node or anywhere below; almost free.
    func stand(at node: Int) -> Bool

    /// What a value violates of the rules at a node and below.
    func errors(_ new: JSONValue, old: JSONValue?, at node: Int, in graph: SchemaGraph, path: FieldPath) -> [FieldError]
}

/// A language in which schemas' rules are written. The schema machinery asks for no more of it; `CEL` speaks it.
package protocol SchemaRuleLanguage: Sendable {
    /// The rules of a schema's nodes, ready to be evaluated; nil when no node has any. Rules that do not compile are
    /// kept, and refuse every value.
    ///
    /// - Parameter root: the node that stands for a whole object.
    func compile(_ nodes: [SchemaGraph.Node], root: Int?) -> (any SchemaRules)?
}
