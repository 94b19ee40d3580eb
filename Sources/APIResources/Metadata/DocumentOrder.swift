package import KubeModel

/// The order in which stored objects keep their keys, so that bytes can be spliced and read the same for every object.
package enum DocumentOrder {
    /// `apiVersion`, `kind`, `metadata` first, and in metadata the identity first; the rest as the client sent it.
    /// `metadata.resourceVersion` and `managedFields` are left out: the store's revision is the version of the bytes, and
    /// the owners are kept as bytes.
    package static func arranged(_ object: JSONValue, apiVersion: String, kind: String) -> JSONObject {
        var result = JSONObject()
        result["apiVersion"] = .string(apiVersion)
        result["kind"] = .string(kind)
        var metadata = JSONObject()
        var given = object["metadata"]?.object ?? JSONObject()
        dropEmpty(&given)
        for key in leading {
            if let value = given[key], value != .null { metadata[key] = value }
        }
        for (key, value) in given where !leading.contains(key) && !dropped.contains(key) && value != .null {
            metadata[key] = value
        }
        result["metadata"] = .object(metadata)
        if let object = object.object {
            for (key, value) in object where key != "apiVersion" && key != "kind" && key != "metadata" {
                result[key] = value
            }
        }
        return result
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
