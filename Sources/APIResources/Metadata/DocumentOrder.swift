package import KubeModel

/// The order in which stored objects keep their keys, so that bytes can be spliced and read the same for every object.
package enum DocumentOrder {
    /// `apiVersion`, `kind`, `metadata` first, and in metadata, which this makes, the identity first; the rest as the client
    /// sent it. `metadata.resourceVersion` and `managedFields` are left out: the store's revision is the version of the bytes, and
    /// the owners are kept as bytes.
    package static func metadata(of object: JSONValue) -> JSONObject {
        var given = object["metadata"]?.object ?? JSONObject()
        dropEmpty(&given)
        var metadata = JSONObject(minimumCapacity: given.count)
        for key in leading {
            if let value = given[key], !value.isNull { metadata[key] = value }
        }
        for (key, value) in given where !leading.contains(key) && !dropped.contains(key) && !value.isNull {
            metadata[key] = value
        }
        return metadata
    }

    /// Whether a member of an object has a place before all others.
    package static func isLeading(_ key: String) -> Bool {
        key == "apiVersion" || key == "kind" || key == "metadata"
    }

    /// Removes the lists and maps that Go's `omitempty` leaves out when nothing is in them.
    package static func dropEmpty(_ metadata: inout JSONObject) {
        for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
            if metadata[key].object?.isEmpty == true || metadata[key].array?.isEmpty == true { metadata[key] = nil }
        }
    }

    private static let leading = ["name", "generateName", "namespace", "uid", "generation", "creationTimestamp"]
    private static let dropped = ["resourceVersion", "managedFields", "selfLink"]
}
