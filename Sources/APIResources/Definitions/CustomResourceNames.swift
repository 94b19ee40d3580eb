package import KubeModel

/// The names that a custom resource and its kind are found by: `spec.names` as asked for, `status.acceptedNames` as
/// they are.
package struct CustomResourceNames: Sendable, Hashable {
    package var plural = ""
    package var singular = ""
    package var shortNames: [String] = []
    package var kind = ""
    package var listKind = ""
    package var categories: [String] = []

    package init() {}

    package init(_ names: JSONValue?) {
        plural = names["plural"].string ?? ""
        singular = names["singular"].string ?? ""
        shortNames = (names["shortNames"].array ?? []).compactMap(\.string)
        kind = names["kind"].string ?? ""
        listKind = names["listKind"].string ?? ""
        categories = (names["categories"].array ?? []).compactMap(\.string)
    }

    package init(_ definition: ResourceDefinition) {
        plural = definition.plural
        singular = definition.singular
        shortNames = definition.shortNames
        kind = definition.kind
        listKind = definition.listKind
        categories = definition.categories
    }

    /// Names that may stand in a path or on a command line.
    package var resources: [String] { [plural, singular].filter { !$0.isEmpty } + shortNames }

    package var kinds: [String] { [kind, listKind].filter { !$0.isEmpty } }

    package var json: JSONValue {
        var result: JSONObject = ["kind": .string(kind)]
        if !listKind.isEmpty { result["listKind"] = .string(listKind) }
        result["plural"] = .string(plural)
        if !singular.isEmpty { result["singular"] = .string(singular) }
        if !shortNames.isEmpty { result["shortNames"] = JSONValue(shortNames) }
        if !categories.isEmpty { result["categories"] = JSONValue(categories) }
        return .object(result)
    }
}
