import KubeModel

extension ResourceDefinition {
    /// What stands for a stored object that cannot be read: its kind and name, which are known from its key.
    func nameplate(_ relativeKey: String) -> [UInt8] {
        let parts = relativeKey.split(separator: "/", maxSplits: 1).map(String.init)
        var metadata: JSONObject = ["name": .string(parts.last ?? "")]
        if namespaced, parts.count > 1 { metadata["namespace"] = .string(parts[0]) }
        let object: JSONObject = [
            "kind": .string(kind), "apiVersion": .string(group.isEmpty ? version : "\(group)/\(version)"),
            "metadata": .object(metadata),
        ]
        return JSONValue.object(object).encoded()
    }
}
