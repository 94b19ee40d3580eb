/// The schemas of one document, compiled to an array whose entries name each other by position, so that recursive
/// types need no cycle of references.
final class SchemaGraph: Sendable {
    enum ValueType: String, Sendable {
        case object, array, string, integer, number, boolean
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
        var properties: [(name: String, node: Int)] = []
        var propertyIndex: [ByteKey: Int] = [:]
        var additional = Additional.unspecified
        var items: Int?
        var required: [String] = []
        var enumeration: [JSONValue] = []
        var pattern: TextPattern?
        var format: String?
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
        /// Of its JSON, in bytes.
        var defaultSize = 0
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
        /// How built-in kinds keep the value.
        var rendering = ValueRendering.asWritten
        /// Required scalars: Go writes them whether or not anybody has set them.
        var alwaysWritten: [String] = []
        /// Whether a default stands here or anywhere below.
        var leadsToDefault = false

        func property(_ name: String) -> Int? {
            propertyIndex[ByteKey(name)]
        }

        /// Whether anything is allowed inside, unseen.
        var isOpaque: Bool {
            guard properties.isEmpty, case .unspecified = additional else { return preservesUnknown }
            return type == nil || type == .object
        }
    }

    let nodes: [Node]
    let components: [String: Int]
    /// The compiled rules; nil where there are none.
    let ruleSet: CELRuleSet?

    init(nodes: [Node], components: [String: Int]) {
        self.nodes = nodes
        self.components = components
        ruleSet = CELRuleSet(nodes: nodes, root: components["root"])
    }
}
