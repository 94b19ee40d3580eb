extension Schema {
    /// Compiles the schema of one version of a custom resource.
    ///
    /// - Parameters:
    ///   - schema: `openAPIV3Schema`, already found to be structural. `apiVersion`, `kind` and `metadata` are every
    ///     object's own; of what it says about `metadata`, the rules for `name` and `generateName` hold.
    ///   - components: the schemas of a document that has `ObjectMeta`, by name.
    ///   - rules: the language of its validation rules.
    package init(
        customObject schema: JSONValue, components: JSONObject, rules: any SchemaRuleLanguage
    ) throws(SchemaError) {
        let metadata = Schema.objectMeta
        var components = components
        guard var objectMeta = components[metadata] else { throw SchemaError(metadata, "is missing") }
        for name in ["name", "generateName"] {
            guard let rules = schema["properties"]["metadata"]["properties"][name]?.object else { continue }
            for (keyword, value) in rules where keyword != "type" && keyword != "description" {
                objectMeta["properties"][name][keyword] = value
            }
        }
        components[metadata] = objectMeta
        var root = schema
        root["type"] = "object"
        root["properties"]["apiVersion"] = ["type": "string"]
        root["properties"]["kind"] = ["type": "string"]
        root["properties"]["metadata"] = ["$ref": .string("#/components/schemas/\(metadata)")]
        components["root"] = root
        let document = OpenAPIDocument(name: "schema", json: ["components": ["schemas": .object(components)]])
        let graph = try SchemaCompiler.compile(document, rules: rules)
        self.init(graph: graph, index: graph.components["root"] ?? 0)
    }

    /// The name of the schema that all metadata has.
    public static let objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

    /// Removes what the structural schema of a custom resource does not specify, and nulls where none is allowed.
    /// Returns the paths of the unknown fields.
    ///
    /// Unlike `prune`, an object without properties keeps nothing, unless its schema preserves unknown fields; `apiVersion`,
    /// `kind` and `metadata` of the object and of embedded resources stay.
    public func pruneCustomObject(_ value: inout JSONValue) -> [String] {
        var pruner = StructuralPruner(graph: graph)
        pruner.prune(index, &value, isRoot: true)
        return pruner.unknown
    }

    /// The same for a value inside of an object: a default.
    public func pruneMember(_ value: inout JSONValue) -> [String] {
        var pruner = StructuralPruner(graph: graph)
        pruner.prune(index, &value, isRoot: false)
        return pruner.unknown
    }
}

/// One walk of a value along a structural schema (Kubernetes: `structuralschema/pruning`).
private struct StructuralPruner {
    let graph: SchemaGraph
    var unknown: [String] = []
    private var path: [FieldPath.Step] = []

    init(graph: SchemaGraph) {
        self.graph = graph
    }

    /// - Parameter index: nil where nothing is specified: objects lose everything.
    mutating func prune(_ index: Int?, _ value: inout JSONValue, isRoot: Bool) {
        switch value {
        case .object(var object):
            value = .null
            var removed: Set<ByteKey> = []
            object.updateValues { name, member in
                path.append(.child(name))
                if !keep(index, name, &member, isRoot: isRoot) { removed.insert(ByteKey(name)) }
                path.removeLast()
            }
            if !removed.isEmpty { object.removeAll { removed.contains(ByteKey($0.key)) } }
            value = .object(object)
        case .array(var elements):
            let items = index.flatMap { graph.nodes[$0].items }
            if items == nil, let index, graph.nodes[index].preservesUnknown { return }
            value = .null
            for place in elements.indices where isNested(elements[place]) {
                path.append(.index(place))
                prune(items, &elements[place], isRoot: false)
                path.removeLast()
            }
            value = .array(elements)
        default: break
        }
    }

    /// Prunes a member.
    /// - Returns: whether it stays at all.
    private mutating func keep(_ index: Int?, _ name: String, _ member: inout JSONValue, isRoot: Bool) -> Bool {
        guard let index else {
            unknown.append(FieldPath(steps: path).description)
            return false
        }
        if isRoot || graph.nodes[index].isEmbeddedResource {
            if name == "apiVersion" || name == "kind" { return true }
            if name == "metadata" {
                if isRoot, let place = graph.nodes.property(name, of: index) {
                    unknown += Schema(graph: graph, index: place).prune(&member).map { "metadata.\($0)" }
                }
                return true
            }
        }
        let place: Int?
        if let known = graph.nodes.property(name, of: index) {
            place = known
        } else {
            switch graph.nodes[index].additional {
            case .schema(let values): place = values
            case .any: place = nil
            case .unspecified, .forbidden:
                if graph.nodes[index].preservesUnknown { return true }
                unknown.append(FieldPath(steps: path).description)
                return false
            }
        }
        if member.isNull { return place.map { graph.nodes[$0].isNullable } ?? true }
        if isNested(member) { prune(place, &member, isRoot: false) }
        return true
    }

    private func isNested(_ value: JSONValue) -> Bool {
        switch value {
        case .object, .array: true
        default: false
        }
    }
}
