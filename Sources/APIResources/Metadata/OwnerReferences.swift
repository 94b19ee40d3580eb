package import KubeModel

/// `metadata.ownerReferences`: what may stand there, and what the server makes of repetitions.
package enum OwnerReferences {
    /// Leaves one of each reference that stands there several times, word for word.
    /// - Returns: what the client should be told; nil when there was nothing to do.
    package static func removeDuplicates(from object: inout JSONValue) -> String? {
        guard let references = object["metadata"]["ownerReferences"].array, references.count > 1 else { return nil }
        var kept: [JSONValue] = []
        var seen: Set<JSONValue> = []
        var repeated: [String] = []
        for reference in references {
            if seen.insert(reference).inserted {
                kept.append(reference)
            } else {
                repeated.append(reference["uid"].string ?? "")
            }
        }
        guard !repeated.isEmpty else { return nil }
        object["metadata"]["ownerReferences"] = .array(kept)
        return ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and "
            + "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
            + "[\(repeated.joined(separator: " "))]"
    }

    /// `ValidateOwnerReferences`, whose paths have no index.
    package static func check(_ references: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var controller: String?
        for reference in references {
            let apiVersion = reference["apiVersion"]?.string ?? ""
            let kind = reference["kind"]?.string ?? ""
            let parts = apiVersion.split(separator: "/", omittingEmptySubsequences: false)
            if parts.count > 2 || (parts.last ?? "").isEmpty {
                errors.append(.invalid(path.child("apiVersion"), .string(apiVersion), "version must not be empty"))
            }
            for field in ["kind", "name", "uid"] where (reference[field]?.string ?? "").isEmpty {
                errors.append(.invalid(path.child(field), "", "must not be empty"))
            }
            if apiVersion == "v1", kind == "Event" {
                errors.append(.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner"))
            }
            guard reference["controller"]?.bool == true else { continue }
            let name = "\(kind)/\(reference["name"]?.string ?? "")"
            guard let first = controller else {
                controller = name
                continue
            }
            errors.append(
                .invalid(
                    path, .array(references),
                    "Only one reference can have Controller set to true. Found \"true\" in references for \(first) and "
                        + name))
        }
    }
}
