import KubeModel

/// What a request to `proxy` names in place of an object: `NAME`, `NAME:PORT` or `https:NAME:PORT`, where the port may be a
/// name, or empty.
struct ProxyTarget: Hashable, Sendable {
    let name: String

    /// nil for a text of another form.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1, 2: name = String(parts[0])
        case 3 where parts[0] == "https": name = String(parts[1])
        default: return nil
        }
        if name.isEmpty { return nil }
    }
}
