import KubeModel

/// The two views of one Event. It is stored as `v1`; `events.k8s.io/v1` names the same fields differently.
enum EventForms {
    /// `v1` name, `events.k8s.io/v1` name.
    private static let names: [(core: String, events: String)] = [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"),
        ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
    ]
    private static let toEvents = Dictionary(uniqueKeysWithValues: names.map { ($0.core, $0.events) })
    private static let toCore = Dictionary(uniqueKeysWithValues: names.map { ($0.events, $0.core) })

    static func stored(_ object: JSONValue) -> JSONValue { renamed(object, toCore, apiVersion: "v1") }

    static func served(_ object: JSONValue) -> JSONValue {
        renamed(object, toEvents, apiVersion: "events.k8s.io/v1")
    }

    private static func renamed(_ object: JSONValue, _ names: [String: String], apiVersion: String) -> JSONValue {
        guard let fields = object.object else { return object }
        var result = JSONObject(minimumCapacity: fields.count)
        for (key, value) in fields { result[names[key] ?? key] = value }
        result["apiVersion"] = .string(apiVersion)
        return .object(result)
    }
}
