import KubeModel

/// `meta.k8s.io/v1 DeleteOptions`: from the body when there is one, else from the query, as Kubernetes reads them.
struct DeleteOptions: Sendable, Equatable {
    /// What becomes of the objects that have this one as an owner.
    enum Propagation: String, Sendable, CaseIterable {
        /// They go first; this one waits for those that block it.
        case foreground = "Foreground"
        /// They go afterwards.
        case background = "Background"
        /// They stay and lose the reference.
        case orphan = "Orphan"
    }

    var isDryRun = false
    /// Seconds; nil leaves it to the kind. Kinds without graceful deletion take no notice of it.
    var gracePeriodSeconds: Int64?
    var propagation: Propagation?
    /// The older way of saying `Orphan`.
    var orphanDependents: Bool?
    var uid: String?
    var resourceVersion: String?

    init() {}

    /// - Throws: 400 for a body that is no DeleteOptions, 422 for values that are not allowed.
    init(body: JSONValue?, query: QueryItems) throws(Status) {
        var policy: String?
        var dryRun: [String]
        if let body {
            dryRun = []
            try read(body, &policy, &dryRun)
            // Kubernetes reads nothing from the query beside a body. Deleting what a URL asks to keep would be no service
            // to anybody, so this one is heard.
            dryRun += query.all("dryRun")
        } else {
            dryRun = query.all("dryRun")
            gracePeriodSeconds = try query.integer("gracePeriodSeconds")
            policy = query["propagationPolicy"]
            orphanDependents = query.optionalBool("orphanDependents")
            uid = query["uid"].flatMap { $0.isEmpty ? nil : $0 }
        }
        var errors: [FieldError] = []
        if let policy {
            let path = FieldPath("propagationPolicy")
            propagation = Propagation(rawValue: policy)
            if orphanDependents != nil {
                errors.append(
                    .invalid(path, .string(policy), "orphanDependents and deletionPropagation cannot be both set"))
            }
            if propagation == nil {
                errors.append(
                    .notSupported(
                        path, .string(policy), supported: Propagation.allCases.map(\.rawValue) + ["nil"]))
            }
        }
        isDryRun = WriteOptions.dryRun(dryRun, &errors)
        guard errors.isEmpty else { throw WriteOptions.invalid("DeleteOptions", errors) }
        // Negative values count as one second (`rest.BeforeDelete`).
        if let seconds = gracePeriodSeconds, seconds < 0 { gracePeriodSeconds = 1 }
    }

    private mutating func read(_ body: JSONValue, _ policy: inout String?, _ dryRun: inout [String]) throws(Status) {
        guard case .object = body else { throw Self.unreadable(body, "", "DeleteOptions") }
        // Some other object here is a mistake of the client; nothing is deleted for it.
        let kind = body["kind"].string ?? ""
        guard kind.isEmpty || kind == "DeleteOptions" else {
            throw Status.badRequest("decoded object cannot be converted to DeleteOptions: it is a \(kind)")
        }
        func member<Value>(
            _ key: String, of object: JSONValue, type: String, _ read: (JSONValue) -> Value?
        ) throws(Status) -> Value? {
            guard let value = object[key], !value.isNull else { return nil }
            guard let result = read(value) else { throw Self.unreadable(value, key, type) }
            return result
        }
        gracePeriodSeconds = try member("gracePeriodSeconds", of: body, type: "int64") { $0.int.map(Int64.init) }
        policy = try member("propagationPolicy", of: body, type: "string", \.string)
        orphanDependents = try member("orphanDependents", of: body, type: "bool", \.bool)
        let values = try member("dryRun", of: body, type: "[]string", \.array) ?? []
        for value in values {
            guard let text = value.string else { throw Self.unreadable(value, "dryRun", "string") }
            dryRun.append(text)
        }
        guard let preconditions = body["preconditions"], !preconditions.isNull else { return }
        guard case .object = preconditions else {
            throw Self.unreadable(preconditions, "preconditions", "v1.Preconditions")
        }
        uid = try member("uid", of: preconditions, type: "types.UID", \.string)
        resourceVersion = try member("resourceVersion", of: preconditions, type: "string", \.string)
    }

    private static func unreadable(_ value: JSONValue, _ field: String, _ type: String) -> Status {
        let target = field.isEmpty ? "value" : "struct field DeleteOptions.\(field)"
        return .badRequest("json: cannot unmarshal \(goTypeName(value)) into Go \(target) of type \(type)")
    }
}
