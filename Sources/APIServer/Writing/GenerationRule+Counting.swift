import APIResources
import KubeModel

extension GenerationRule {
    /// Whether a change is one that `metadata.generation` counts.
    func counts(from old: JSONValue, to new: JSONValue) -> Bool {
        switch self {
        case .none: false
        case .spec: old["spec"] != new["spec"]
        case .content: !Self.hasSameContent(old, new)
        case .contentAndStatus: !Self.hasSameContent(old, new) || old["status"] != new["status"]
        case .contentAndLabels:
            !Self.hasSameContent(old, new) || old["metadata"]["labels"] != new["metadata"]["labels"]
        }
    }

    private static func hasSameContent(_ old: JSONValue, _ new: JSONValue) -> Bool {
        guard case .object(let old) = old, case .object(let new) = new else { return old == new }
        return old.isEqual(to: new, ignoring: ["metadata", "status"])
    }
}
