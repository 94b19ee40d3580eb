public import KubeModel

/// A partial change of an object.
public enum Patch: Sendable, Hashable {
    /// RFC 7386.
    case merge(JSONValue)
    /// RFC 6902: an array of operations.
    case json(JSONValue)
    /// Kubernetes' own, which merges lists by key.
    case strategicMerge(JSONValue)
    /// Server-side apply: what `manager` wants of the object, which is made where it is not there yet. With `force` it takes
    /// fields from other managers.
    case apply(JSONValue, manager: String, force: Bool)

    var contentType: String {
        switch self {
        case .merge: "application/merge-patch+json"
        case .json: "application/json-patch+json"
        case .strategicMerge: "application/strategic-merge-patch+json"
        // JSON is YAML.
        case .apply: "application/apply-patch+yaml"
        }
    }

    var query: [(String, String)] {
        guard case .apply(_, let manager, let force) = self else { return [] }
        return [("fieldManager", manager)] + (force ? [("force", "true")] : [])
    }

    var document: JSONValue {
        switch self {
        case .merge(let value), .json(let value), .strategicMerge(let value), .apply(let value, _, _): value
        }
    }
}
