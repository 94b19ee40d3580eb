import KubeModel

/// Gives new storage the finalizer that it goes with.
enum StorageProtection {
    static func add(_ finalizer: String, to object: inout JSONValue) {
        let present = object["metadata"]["finalizers"].array ?? []
        guard !present.contains(where: { $0.string == finalizer }) else { return }
        object["metadata"]["finalizers"] = .array(present + [.string(finalizer)])
    }
}
