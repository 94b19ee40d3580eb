import KubeModel

/// The parameters of requests, as `metav1.ListOptions`, `CreateOptions`, `UpdateOptions`, `PatchOptions` and
/// `DeleteOptions` have them.
enum OpenAPIParameters {
    static let list: [JSONValue] = [
        query("allowWatchBookmarks", "boolean", "Allows BOOKMARK events in the watch stream."),
        query("continue", "string", "Token of an earlier chunk; the list goes on from there."),
        query("fieldSelector", "string", "Restricts the objects by their fields."),
        query("labelSelector", "string", "Restricts the objects by their labels."),
        query("limit", "integer", "Greatest number of objects in one answer."),
        query("resourceVersion", "string", "Version the answer must show, or from which a watch starts."),
        query("resourceVersionMatch", "string", "How resourceVersion applies to a list: Exact or NotOlderThan."),
        query("sendInitialEvents", "boolean", "Starts a watch with the existing objects and a closing bookmark."),
        query("timeoutSeconds", "integer", "Time after which the server ends the request, in seconds."),
        query("watch", "boolean", "Streams changes instead of answering with a list."),
    ]

    static let write: [JSONValue] = [
        dryRun,
        query("fieldManager", "string", "Name of the workflow that makes the change, at most 128 characters."),
        query(
            "fieldValidation", "string", "What happens to unknown and duplicate fields: Ignore, Warn or Strict."),
    ]

    static let patch =
        write + [query("force", "boolean", "Takes over fields from other managers; for apply patches only.")]

    static let delete: [JSONValue] = [
        dryRun, query("gracePeriodSeconds", "integer", "Seconds to wait before the object goes."),
        query(
            "ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
            "Deletes an object even when what is stored cannot be read."),
        query("orphanDependents", "boolean", "Older way to keep dependents; use propagationPolicy."),
        query("propagationPolicy", "string", "What happens to dependents: Orphan, Background or Foreground."),
    ]

    static let pretty = query("pretty", "string", "When \"true\", the answer is indented.")

    static func path(_ name: String, _ description: String) -> JSONValue {
        parameter(name, "string", description, in: "path")
    }

    private static let dryRun = query(
        "dryRun", "string", "\"All\" processes the request fully but persists nothing.")

    private static func query(_ name: String, _ type: String, _ description: String) -> JSONValue {
        parameter(name, type, description, in: "query")
    }

    private static func parameter(
        _ name: String, _ type: String, _ description: String, in place: String
    ) -> JSONValue {
        var parameter: JSONObject = [
            "name": .string(name), "in": .string(place), "description": .string(description),
        ]
        if place == "path" { parameter["required"] = true }
        parameter["schema"] = place == "path" ? ["type": .string(type)] : ["type": .string(type), "uniqueItems": true]
        return .object(parameter)
    }
}
