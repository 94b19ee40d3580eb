public import KubeModel

/// JSON Merge Patch (RFC 7386), the media type `application/merge-patch+json`.
public enum MergePatch {
    /// Applies a patch, which for Kubernetes' objects must be an object itself.
    public static func apply(_ patch: JSONValue, to document: JSONValue) throws(PatchError) -> JSONValue {
        guard case .object = patch else {
            throw PatchError(.malformed, "a merge patch must be an object, not \(patch.typeName)")
        }
        return merge(patch, into: document)
    }

    /// RFC 7386, section 2, for any two values.
    public static func merge(_ patch: JSONValue, into document: JSONValue) -> JSONValue {
        var result = document
        merge(patch, into: &result)
        return result
    }

    private static func merge(_ patch: JSONValue, into target: inout JSONValue) {
        guard case .object(let changes) = patch else {
            target = patch
            return
        }
        var object = target.object ?? JSONObject(minimumCapacity: changes.count)
        target = .null
        // An object, since its keys are compared by their bytes.
        var removed = JSONObject()
        for (key, change) in changes {
            if change.isNull {
                removed[key] = .null
            } else if case .object = change {
                var member = object[key] ?? .null
                if object.contains(key) { object[key] = .null }
                merge(change, into: &member)
                object[key] = member
            } else {
                object[key] = change
            }
        }
        if !removed.isEmpty { object.removeAll { removed.contains($0.key) } }
        target = .object(object)
    }

    /// The smallest patch that makes `new` of `old`; nil when they are equal. Arrays are replaced whole.
    public static func difference(from old: JSONValue, to new: JSONValue) -> JSONValue? {
        if old == new { return nil }
        guard case .object(let before) = old, case .object(let after) = new else { return new }
        var patch = JSONObject()
        for (key, value) in after {
            guard let earlier = before[key] else {
                patch[key] = value
                continue
            }
            if let change = difference(from: earlier, to: value) { patch[key] = change }
        }
        for (key, _) in before where !after.contains(key) { patch[key] = .null }
        return .object(patch)
    }
}
