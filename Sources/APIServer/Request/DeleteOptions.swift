import KubeModel

/// `meta.k8s.io/v1 DeleteOptions`: from the body when there is one, else from the query.
struct DeleteOptions: Sendable {
    var isDryRun = false
    /// Seconds; accepted for every kind. Without a kubelet nothing has to be waited for, so deletion is immediate.
    var gracePeriodSeconds: Int64?
    var propagationPolicy: String?
    var uid: String?
    var resourceVersion: String?

    init() {}

    init(body: JSONValue?, query: QueryItems) throws(Status) {
        if let body, case .object = body {
            // Some other object here is a mistake of the client; nothing is deleted for it.
            let kind = body["kind"].string ?? ""
            guard kind.isEmpty || kind == "DeleteOptions" else {
                throw Status.badRequest("decoded object cannot be converted to DeleteOptions: it is a \(kind)")
            }
            let values = body["dryRun"]?.array?.compactMap(\.string) ?? []
            isDryRun = try WriteOptions.dryRun(values, kind: "DeleteOptions")
            gracePeriodSeconds = body["gracePeriodSeconds"].int.map(Int64.init)
            propagationPolicy = body["propagationPolicy"]?.string
            uid = body["preconditions"]?["uid"]?.string
            resourceVersion = body["preconditions"]?["resourceVersion"]?.string
        }
        if try WriteOptions.dryRun(query.all("dryRun"), kind: "DeleteOptions") { isDryRun = true }
        if gracePeriodSeconds == nil { gracePeriodSeconds = try query.integer("gracePeriodSeconds") }
        if propagationPolicy == nil { propagationPolicy = query["propagationPolicy"] }
        if let policy = propagationPolicy, !["Orphan", "Background", "Foreground"].contains(policy) {
            throw WriteOptions.invalid(
                "DeleteOptions",
                [
                    .notSupported(
                        FieldPath("propagationPolicy"), .string(policy),
                        supported: ["Foreground", "Background", "Orphan", "nil"])
                ])
        }
        if let seconds = gracePeriodSeconds, seconds < 0 { gracePeriodSeconds = 1 }
    }
}
