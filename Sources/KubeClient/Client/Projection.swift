/// How much of an object an answer carries.
public enum Projection: Sendable, Hashable {
    case whole
    /// `meta.k8s.io/v1` PartialObjectMetadata: `metadata` alone. A server that does not know it sends whole
    /// objects.
    case metadata

    func accept(list: Bool = false) -> String {
        switch self {
        case .whole: "application/json"
        case .metadata:
            "application/json;as=PartialObjectMetadata\(list ? "List" : "");g=meta.k8s.io;v=v1,application/json"
        }
    }
}
