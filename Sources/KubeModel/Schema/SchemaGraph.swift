/// The schemas of one document, compiled to an array whose entries name each other by position, so that recursive
/// types need no cycle of references.
package final class SchemaGraph: Sendable {
    package enum ValueType: String, Sendable {
        case object, array, string, integer, number, boolean
    }

    package enum TextFormat: Sendable {
        case any, dateTime, base64

        init(_ format: String?) {
            self = format == "date-time" ? .dateTime : format == "byte" ? .base64 : .any
        }
    }

    package enum Additional: Sendable {
        /// Not said: unknown fields are pruned where there are properties.
        case unspecified
        case forbidden
        case any
        case schema(Int)
    }

    package struct Node: Sendable {
        package var type: ValueType?
        package var properties = SchemaProperties()
        package var additional = Additional.unspecified
        package var items: Int?
        package var required: [String] = []
        package var enumeration: [JSONValue] = []
        package var pattern: TextPattern?
        package var format: String? { didSet { textFormat = TextFormat(format) } }
        /// What `format` asks of a text that is decoded into Go's types.
        package private(set) var textFormat = TextFormat.any
        package var minimum: Double?
        package var maximum: Double?
        package var exclusiveMinimum = false
        package var exclusiveMaximum = false
        package var multipleOf: Double?
        package var minLength: Int?
        package var maxLength: Int?
        package var minItems: Int?
        package var maxItems: Int?
        package var minProperties: Int?
        package var maxProperties: Int?
        package var uniqueItems = false
        package var defaultValue: JSONValue?
        /// Of its JSON, in bytes.
        package var defaultSize = 0
        package var isNullable = false
        package var isIntOrString = false
        package var preservesUnknown = false
        package var isEmbeddedResource = false
        package var listType: String?
        package var listMapKeys: [String] = []
        package var mapType: String?
        package var patchStrategies: [String] = []
        package var patchMergeKey: String?
        package var allOf: [Int] = []
        package var anyOf: [Int] = []
        package var oneOf: [Int] = []
        package var not: Int?
        /// The component's name without its package: `ServicePort`.
        package var typeName: String?
        /// With the last part of the package, as Go writes it: `v1.ServicePort`.
        package var qualifiedTypeName: String?
        package var groupVersionKinds: [GroupVersionKind] = []
        /// `x-kubernetes-validations` as written.
        package var rules: [JSONValue] = []
        /// How built-in kinds keep the value.
        var rendering = ValueRendering.asWritten
        /// Whether the member of a struct that stands here is not written when it has its type's zero value.
        var vanishesAtZero = false
        /// Required scalars: Go writes them whether or not anybody has set them.
        var alwaysWritten: [String] = []
        /// Whether a default stands here or anywhere below.
        package var leadsToDefault = false
        /// The places in `properties` of those that lead to one.
        var defaultingProperties: [Int] = []

        package init() {}

        package func property(_ name: String) -> Int? {
            properties.node(name)
        }

        /// Whether anything is allowed inside, unseen.
        package var isOpaque: Bool {
            guard properties.isEmpty, case .unspecified = additional else { return preservesUnknown }
            return type == nil || type == .object
        }
    }

    package let nodes: SchemaNodes
    package let components: [String: Int]
    /// The compiled rules; nil where there are none.
    package let rules: (any SchemaRules)?

    package init(nodes: [Node], components: [String: Int], rules: (any SchemaRules)? = nil) {
        self.nodes = SchemaNodes(nodes)
        self.components = components
        self.rules = rules
    }

    deinit { nodes.deallocate() }
}
