public import KubeModel

/// A partial change of an object.
public enum Patch: Sendable, Hashable {
    /// RFC 7386.
    case merge(JSONValue)
    /// RFC 6902: an array of operations.
    case json(JSONValue)
    /// Kubernetes' own, which merges lists by key.
    case strategicMerge(JSONValue)

    var contentType: String {
        switch self {
        case .merge: "application/merge-patch+json"
        case .json: "application/json-patch+json"
        case .strategicMerge: "application/strategic-merge-patch+json"
        }
    }

    var document: JSONValue {
        switch self {
        case .merge(let value), .json(let value), .strategicMerge(let value): value
        }
    }
}
