package import KubeModel

/// Values of selectable fields, read out of a document by their dotted paths.
package enum FieldValues {
    /// Scalars as text; "" where there is none, as in Kubernetes.
    package static func read(_ paths: [String], from object: JSONValue) -> [String: String] {
        var values: [String: String] = [:]
        for path in paths { values[path] = text(at: path, in: object) }
        return values
    }

    package static func text(at path: String, in object: JSONValue) -> String {
        var value: JSONValue? = object
        for part in path.split(separator: ".") { value = value?[String(part)] }
        return switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        default: ""
        }
    }
}

extension JSONValue {
    /// `{"loadBalancer": {}}`, the status Services and Ingresses begin with.
    package static var emptyLoadBalancer: JSONValue { ["loadBalancer": [:]] }

    /// Whether the deletion was requested and no finalizer holds it up any more.
    package var isBeingRemoved: Bool {
        at("metadata", "deletionTimestamp") != nil && (at("metadata", "finalizers")?.array ?? []).isEmpty
    }

    /// The value at a path of keys, nil when it is absent or null.
    package func at(_ keys: String...) -> JSONValue? {
        var value: JSONValue? = self
        for key in keys { value = value?[key] }
        return value?.isNull == true ? nil : value
    }

    /// The value of one key, nil when it is absent or null: without the list that a path is handed over in.
    package func at(_ key: String) -> JSONValue? {
        guard let value = self[key], !value.isNull else { return nil }
        return value
    }

    /// The text of one key, "" when there is none.
    package func text(_ key: String) -> String {
        self[key]?.string ?? ""
    }

    /// The text at a path of keys, "" when there is none.
    package func text(_ keys: String...) -> String {
        var value: JSONValue? = self
        for key in keys { value = value?[key] }
        return value?.string ?? ""
    }

    /// Whether both say the same, an absent value counting as empty.
    package static func areEqual(_ one: JSONValue?, _ other: JSONValue?) -> Bool {
        func isEmpty(_ value: JSONValue?) -> Bool {
            switch value {
            case nil, .null: true
            case .object(let object): object.isEmpty
            case .array(let array): array.isEmpty
            case .string(let text): text.isEmpty
            default: false
            }
        }
        return isEmpty(one) && isEmpty(other) || one == other
    }
}
