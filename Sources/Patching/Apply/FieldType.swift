import KubeModel

/// What a schema says about who may own which parts of a value.
///
/// A cheap cursor into a compiled schema. Where there is no schema, or one that lets anything pass, ownership is deduced
/// from the values: objects are owned member by member, lists as a whole.
struct FieldType {
    /// How a value divides into parts with owners of their own.
    enum Relation: Equatable {
        /// Not at all: a scalar, or a list or map that is atomic.
        case whole
        /// Member by member.
        case members
        /// A list of scalars of which each stands once.
        case set
        /// A list of objects that these keys tell apart; sorted.
        case keyed([String])
    }

    private enum Place {
        case node(SchemaGraph, Int)
        case deduced
    }

    private let place: Place
    /// The whole object, whose `metadata` every kind has.
    private let isObject: Bool
    /// Whether fields that Go always writes stand even in an empty object.
    private let hasZeroFields: Bool

    private init(_ place: Place, isObject: Bool = false, hasZeroFields: Bool = false) {
        self.place = place
        self.isObject = isObject
        self.hasZeroFields = hasZeroFields
    }

    /// The type of a whole object.
    /// - Parameter hasZeroFields: whether the kind is a Go struct. Those of custom resources have no fields until
    ///   somebody sets them.
    init(_ schema: Schema?, hasZeroFields: Bool) {
        let place = schema.map { Place.node($0.graph, $0.index) } ?? .deduced
        self.init(place, isObject: true, hasZeroFields: hasZeroFields)
    }

    /// - Parameter value: decides where the schema leaves it open; null divides like whatever the schema says.
    func relation(for value: JSONValue) -> Relation {
        guard case .node(let graph, let index) = place else {
            if case .object = value { return .members }
            return .whole
        }
        switch graph.nodes[index].type {
        case .object: return graph.nodes[index].mapType == "atomic" ? .whole : .members
        case .array: return Self.listRelation(graph, index)
        case nil:
            if graph.nodes[index].isIntOrString { return .whole }
            switch value {
            case .object: return graph.nodes[index].mapType == "atomic" ? .whole : .members
            case .array: return Self.listRelation(graph, index)
            default: return .whole
            }
        default: return .whole
        }
    }

    private static func listRelation(_ graph: SchemaGraph, _ index: Int) -> Relation {
        switch graph.nodes[index].listType {
        case "set": return .set
        case "map": return .keyed(sorted(graph.nodes[index].listMapKeys))
        case .some: return .whole
        case nil:
            guard graph.nodes[index].patchStrategies.contains("merge") else { return .whole }
            return graph.nodes[index].patchMergeKey.map { .keyed([$0]) } ?? .set
        }
    }

    private static func sorted(_ keys: [String]) -> [String] {
        keys.count < 2 || (keys.count == 2 && keys[0] < keys[1]) ? keys : keys.sorted()
    }

    /// The type of a member of an object; nil when the schema doesn't have it.
    func member(_ name: String) -> FieldType? {
        guard case .node(let graph, let index) = place else {
            return isObject && name == "metadata" ? Self.metadata : Self.deduced
        }
        if let known = graph.nodes.property(name, of: index) {
            if isObject || graph.nodes[index].isEmbeddedResource, name == "metadata",
                graph.nodes[known].properties.isEmpty
            {
                return Self.metadata
            }
            return FieldType(.node(graph, known), hasZeroFields: hasZeroFields)
        }
        switch graph.nodes[index].additional {
        case .schema(let values): return FieldType(.node(graph, values), hasZeroFields: hasZeroFields)
        case .any: return Self.deduced
        default: break
        }
        if isObject || graph.nodes[index].isEmbeddedResource {
            if name == "metadata" { return Self.metadata }
            if name == "apiVersion" || name == "kind" { return Self.text }
        }
        return graph.nodes[index].preservesUnknown || graph.nodes.isOpaque(index) || graph.nodes[index].type == nil
            ? Self.deduced : nil
    }

    /// Whether a member is one that the schema names, and not an entry of a map.
    func isNamed(_ name: String) -> Bool {
        if isObject && (name == "metadata" || name == "apiVersion" || name == "kind") { return true }
        guard case .node(let graph, let index) = place else { return false }
        return graph.nodes.property(name, of: index) != nil
    }

    /// Whether a member of an object that is there is there too, be it empty: Go writes structs and lists that are not
    /// optional even when nobody has set them.
    func alwaysHas(_ name: String) -> Bool {
        if isObject && name == "metadata" { return true }
        guard hasZeroFields, case .node(let graph, let index) = place, let known = graph.nodes.property(name, of: index)
        else { return false }
        switch graph.nodes[known].type {
        case .object:
            if case .object(let empty)? = graph.nodes[known].defaultValue { return empty.isEmpty }
            return false
        case .array: return graph.nodes[index].required.contains(name)
        default: return false
        }
    }

    /// Whether a member is as good as absent: the zero value of what is no pointer in a Go struct.
    func leavesOut(_ name: String, _ value: JSONValue) -> Bool {
        guard case .node(let graph, let index) = place, let known = graph.nodes.property(name, of: index) else {
            return false
        }
        return graph.nodes.vanishes(value, at: known)
    }

    /// Whether two lists or objects that are owned as a whole differ in nothing but what Go's encoder leaves out.
    func areSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        guard case .node(let graph, let index) = place else { return false }
        switch (left, right) {
        case (.object, .object), (.array, .array):
            let schema = Schema(graph: graph, index: index)
            var (left, right) = (left, right)
            _ = schema.prune(&left)
            _ = schema.prune(&right)
            return left == right
        default: return false
        }
    }

    /// The type of a list's elements.
    var element: FieldType {
        guard case .node(let graph, let index) = place, let items = graph.nodes[index].items else {
            return Self.deduced
        }
        return FieldType(.node(graph, items), hasZeroFields: hasZeroFields)
    }

    /// The value of a key that an element of this type leaves out.
    func defaultValue(of key: String) -> JSONValue? {
        guard case .node(let graph, let index) = place, let known = graph.nodes.property(key, of: index) else {
            return nil
        }
        return graph.nodes[known].defaultValue
    }

    /// The kinds of scalars that fit, for messages; nil for any.
    var scalarType: SchemaGraph.ValueType? {
        guard case .node(let graph, let index) = place, !graph.nodes[index].isIntOrString else { return nil }
        return graph.nodes[index].type
    }

    static let deduced = FieldType(.deduced)

    private static var metadata: FieldType { FieldType(.node(objectMeta.graph, objectMeta.index)) }
    private static let text = FieldType(.node(SchemaGraph(nodes: [textNode], components: [:]), 0))
    private static var textNode: SchemaGraph.Node {
        var node = SchemaGraph.Node()
        node.type = .string
        return node
    }

    /// ObjectMeta as every object has it, for kinds whose own schema says no more than that there is one.
    private static let objectMeta: Schema = {
        let text: JSONValue = ["type": "string"]
        let texts: JSONValue = ["type": "object", "additionalProperties": text]
        var properties: JSONObject = [
            "annotations": texts, "labels": texts, "deletionGracePeriodSeconds": ["type": "integer"],
            "generation": ["type": "integer"],
            "finalizers": ["type": "array", "items": text, "x-kubernetes-list-type": "set"],
            "ownerReferences": [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
                "items": [
                    "type": "object", "x-kubernetes-map-type": "atomic",
                    "properties": [
                        "apiVersion": text, "kind": text, "name": text, "uid": text,
                        "blockOwnerDeletion": ["type": "boolean"], "controller": ["type": "boolean"],
                    ],
                ],
            ],
            "managedFields": ["type": "array", "items": ["type": "object"]],
        ]
        for name in [
            "creationTimestamp", "deletionTimestamp", "generateName", "name", "namespace", "resourceVersion",
            "selfLink",
            "uid",
        ] {
            properties[name] = text
        }
        do {
            return try Schema(json: ["type": "object", "properties": .object(properties)])
        } catch {
            preconditionFailure("the schema of ObjectMeta does not compile: \(error)")
        }
    }()
}
