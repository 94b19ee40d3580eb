import KubeModel

/// What a request to `proxy` names in place of an object: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`, where the port may be
/// a name, or empty (Kubernetes: `SplitSchemeNamePort`).
struct ProxyTarget: Hashable, Sendable {
    let name: String
    /// "" for none.
    let port: String
    let usesTLS: Bool

    /// nil for a text of another form.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: (name, port, usesTLS) = (parts[0], "", false)
        case 2: (name, port, usesTLS) = (parts[0], parts[1], false)
        case 3 where ["", "http", "https"].contains(parts[0]):
            (name, port, usesTLS) = (parts[1], parts[2], parts[0] == "https")
        default: return nil
        }
        if name.isEmpty { return nil }
    }
}
