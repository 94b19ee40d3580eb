import KubeModel

/// What a namespace that is being terminated still holds.
struct NamespaceContents: Sendable, Equatable {
    /// Objects that are left, by resource.
    var remaining: [GroupResource: Int] = [:]
    /// How many of them each finalizer holds.
    var finalizers: [String: Int] = [:]
    /// Why objects could not be deleted.
    var failures: [String] = []
}

/// `status.conditions` of a namespace that is being terminated, in the words of Kubernetes' namespace controller.
enum NamespaceConditions {
    private struct Finding {
        var type: String
        var fine: (reason: String, message: String)
        /// nil: all is well.
        var trouble: (reason: String, message: String)?
    }

    /// The conditions after a look at the contents; nil when they say so already. Conditions of others stay.
    static func updated(_ conditions: [JSONValue], _ contents: NamespaceContents, now: Timestamp) -> [JSONValue]? {
        var result = conditions
        for finding in findings(contents) {
            let status: JSONValue = finding.trouble == nil ? "False" : "True"
            let (reason, message) = finding.trouble ?? finding.fine
            let index = result.firstIndex { $0["type"]?.string == finding.type }
            let old = index.map { result[$0] }
            let changed = old?["status"] != status
            let new: JSONValue = [
                "type": .string(finding.type), "status": status,
                "lastTransitionTime": changed ? .string(now.description) : old["lastTransitionTime"] ?? .null,
                "reason": .string(reason), "message": .string(message),
            ]
            if let index {
                if changed || old["reason"] != new["reason"] || old["message"] != new["message"] { result[index] = new }
            } else {
                result.append(new)
            }
        }
        return result == conditions ? nil : result
    }

    private static func findings(_ contents: NamespaceContents) -> [Finding] {
        let resources = contents.remaining.map {
            "\($0.key.resource).\($0.key.group) has \($0.value) resource instances"
        }
        let finalizers = contents.finalizers.map { "\($0.key) in \($0.value) resource instances" }
        return [
            // The server asks itself what it serves, and knows.
            Finding(
                type: "NamespaceDeletionDiscoveryFailure",
                fine: ("ResourcesDiscovered", "All resources successfully discovered")),
            Finding(
                type: "NamespaceDeletionGroupVersionParsingFailure",
                fine: ("ParsedGroupVersions", "All legacy kube types successfully parsed")),
            Finding(
                type: "NamespaceDeletionContentFailure",
                fine: ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
                trouble: trouble(
                    contents.failures, "ContentDeletionFailed",
                    "Failed to delete all resource types, \(contents.failures.count) remaining: ")),
            Finding(
                type: "NamespaceContentRemaining", fine: ("ContentRemoved", "All content successfully removed"),
                trouble: trouble(resources, "SomeResourcesRemain", "Some resources are remaining: ")),
            Finding(
                type: "NamespaceFinalizersRemaining",
                fine: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
                trouble: trouble(
                    finalizers, "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: ")),
        ]
    }

    private static func trouble(_ items: [String], _ reason: String, _ message: String) -> (String, String)? {
        items.isEmpty ? nil : (reason, message + items.sorted().joined(separator: ", "))
    }
}
