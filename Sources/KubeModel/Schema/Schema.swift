/// A compiled schema: what a value may be, how it is defaulted, pruned and patched.
///
/// A cheap handle into the compiled document; safe to share.
public struct Schema: Sendable {
    package let graph: SchemaGraph
    package let index: Int

    package init(graph: SchemaGraph, index: Int) {
        self.graph = graph
        self.index = index
    }

    /// Compiles a single schema without references to others and without validation rules.
    public init(json: JSONValue) throws(SchemaError) {
        try self.init(json: json, rules: nil)
    }

    /// The same of a schema that may have validation rules, for instance of a CustomResourceDefinition.
    package init(json: JSONValue, rules: (any SchemaRuleLanguage)?) throws(SchemaError) {
        let document = OpenAPIDocument(name: "schema", json: ["components": ["schemas": ["root": json]]])
        let graph = try SchemaCompiler.compile(document, rules: rules)
        self.init(graph: graph, index: graph.components["root"] ?? 0)
    }

    private func at(_ index: Int) -> Schema { Schema(graph: graph, index: index) }

    /// The OpenAPI type; nil where any is allowed, or both integer and string.
    public var type: String? { graph.nodes[index].type?.rawValue }
    public var format: String? { graph.nodes[index].format }
    public var isIntOrString: Bool { graph.nodes[index].isIntOrString }
    public var isNullable: Bool { graph.nodes[index].isNullable }
    public var preservesUnknownFields: Bool { graph.nodes[index].preservesUnknown }
    public var defaultValue: JSONValue? { graph.nodes[index].defaultValue }
    public var required: [String] { graph.nodes[index].required }
    public var enumeration: [JSONValue] { graph.nodes[index].enumeration }
    /// Sorted.
    public var propertyNames: [String] { graph.nodes[index].properties.map(\.name) }

    /// The schema of a named property, or that of the map's values.
    public func property(_ name: String) -> Schema? {
        if let place = graph.nodes.property(name, of: index) { return at(place) }
        if case .schema(let place) = graph.nodes[index].additional { return at(place) }
        return nil
    }

    /// The schema of the list's elements.
    public var items: Schema? { graph.nodes[index].items.map { at($0) } }

    /// The schema of the map's values.
    public var additionalProperties: Schema? {
        if case .schema(let place) = graph.nodes[index].additional { at(place) } else { nil }
    }

    /// `atomic`, `set` or `map`.
    public var listType: String? { graph.nodes[index].listType }
    public var listMapKeys: [String] { graph.nodes[index].listMapKeys }
    /// `atomic` or `granular`.
    public var mapType: String? { graph.nodes[index].mapType }
    /// `merge`, `replace`, `retainKeys`; several may be set.
    public var patchStrategies: [String] { graph.nodes[index].patchStrategies }
    public var patchMergeKey: String? { graph.nodes[index].patchMergeKey }
}
