/// The schemas of one document, compiled to an array whose entries name each other by position, so that recursive
/// types need no cycle of references.
final class SchemaGraph: Sendable {
    enum ValueType: String, Sendable {
        case object, array, string, integer, number, boolean
    }

    enum TextFormat: Sendable {
        case any, dateTime, base64

        init(_ format: String?) {
            self = format == "date-time" ? .dateTime : format == "byte" ? .base64 : .any
        }
    }

    enum Additional: Sendable {
        /// Not said: unknown fields are pruned where there are properties.
        case unspecified
        case forbidden
        case any
        case schema(Int)
    }

    struct Node: Sendable {
        var type: ValueType?
        var properties = SchemaProperties()
        var additional = Additional.unspecified
        var items: Int?
        var required: [String] = []
        var enumeration: [JSONValue] = []
        var pattern: TextPattern?
        var format: String? { didSet { textFormat = TextFormat(format) } }
        /// What `format` asks of a text that is decoded into Go's types.
        private(set) var textFormat = TextFormat.any
        var minimum: Double?
        var maximum: Double?
        var exclusiveMinimum = false
        var exclusiveMaximum = false
        var multipleOf: Double?
        var minLength: Int?
        var maxLength: Int?
        var minItems: Int?
        var maxItems: Int?
        var minProperties: Int?
        var maxProperties: Int?
        var uniqueItems = false
        var defaultValue: JSONValue?
        var isNullable = false
        var isIntOrString = false
        var preservesUnknown = false
        var isEmbeddedResource = false
        var listType: String?
        var listMapKeys: [String] = []
        var mapType: String?
        var patchStrategies: [String] = []
        var patchMergeKey: String?
        var allOf: [Int] = []
        var anyOf: [Int] = []
        var oneOf: [Int] = []
        var not: Int?
        /// The component's name without its package: `ServicePort`.
        var typeName: String?
        /// With the last part of the package, as Go writes it: `v1.ServicePort`.
        var qualifiedTypeName: String?
        var groupVersionKinds: [GroupVersionKind] = []
        /// `x-kubernetes-validations` as written.
        var rules: [JSONValue] = []
        /// Whether a default stands here or anywhere below.
        var leadsToDefault = false

        func property(_ name: String) -> Int? {
            properties.node(name)
        }

        /// Whether anything is allowed inside, unseen.
        var isOpaque: Bool {
            guard properties.isEmpty, case .unspecified = additional else { return preservesUnknown }
            return type == nil || type == .object
        }
    }

    let nodes: SchemaNodes
    let components: [String: Int]
    /// The compiled rules; nil where there are none.
    let ruleSet: CELRuleSet?

    init(nodes: [Node], components: [String: Int]) {
        self.nodes = SchemaNodes(nodes)
        self.components = components
        ruleSet = CELRuleSet(nodes: nodes, root: components["root"])
    }

    deinit { nodes.deallocate() }
}
