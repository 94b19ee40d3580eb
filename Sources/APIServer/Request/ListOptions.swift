import KubeModel

/// `meta.k8s.io/v1 ListOptions` as read from the query of a list, watch or deletecollection, checked.
struct ListOptions: Sendable {
    enum VersionMatch: String, Sendable {
        case exact = "Exact"
        case notOlderThan = "NotOlderThan"
    }

    var labels: Selector?
    var fields: FieldSelector?
    /// Objects a page; 0: everything.
    var limit = 0
    var continueToken = ""
    /// nil when absent or ""; 0 is "any version".
    var resourceVersion: Int64?
    var versionMatch: VersionMatch?
    var isWatch = false
    var allowBookmarks = false
    var sendInitialEvents: Bool?
    var timeoutSeconds: Int?

    /// Everything.
    init() {}

    init(_ query: QueryItems, forcedWatch: Bool = false) throws(Status) {
        isWatch = forcedWatch || query.bool("watch")
        if let text = query["labelSelector"], !text.isEmpty {
            do {
                let selector = try Selector(parsing: text)
                labels = selector.isEverything ? nil : selector
            } catch {
                throw Status.badRequest("\(error)")
            }
        }
        if let text = query["fieldSelector"], !text.isEmpty {
            do {
                let selector = try FieldSelector(parsing: text)
                fields = selector.requirements.isEmpty ? nil : selector
            } catch {
                throw Status.badRequest("\(error)")
            }
        }
        limit = Int(max(0, try query.integer("limit") ?? 0))
        continueToken = query.string("continue")
        allowBookmarks = query.bool("allowWatchBookmarks")
        sendInitialEvents = query.optionalBool("sendInitialEvents")
        timeoutSeconds = try query.integer("timeoutSeconds").map { Int(clamping: $0) }
        let versionText = query.string("resourceVersion")
        if !versionText.isEmpty {
            guard let version = Int64(versionText), version >= 0 else {
                let error = FieldError.invalid(
                    FieldPath("resourceVersion"), .string(versionText),
                    "strconv.ParseUint: parsing \"\(versionText)\": invalid syntax")
                // A watch is refused by the store's own check, a list before it comes there.
                throw isWatch ? Self.invalid([error]) : Status.badRequest("invalid resource version: \(error)")
            }
            resourceVersion = version
        }
        try checkMatch(query.string("resourceVersionMatch"), versionText: versionText)
    }

    /// Whether a list shows the very moment of `resourceVersion`: when it says so, and for the first page at a version,
    /// as Kubernetes' table of `resourceVersionMatch` has it.
    var isExact: Bool {
        versionMatch == .exact || versionMatch == nil && limit > 0 && (resourceVersion ?? 0) > 0
    }

    /// The rules of `ValidateListOptions` in Kubernetes (KEP-2523, KEP-3157).
    private mutating func checkMatch(_ text: String, versionText: String) throws(Status) {
        var errors: [FieldError] = []
        let path = FieldPath("resourceVersionMatch")
        versionMatch = VersionMatch(rawValue: text)
        if sendInitialEvents != nil, !isWatch {
            errors.append(.forbidden(FieldPath("sendInitialEvents"), "sendInitialEvents is forbidden for list"))
        } else if sendInitialEvents != nil, text.isEmpty {
            errors.append(
                .forbidden(path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
        }
        if isWatch {
            if !text.isEmpty, sendInitialEvents == nil {
                errors.append(
                    .forbidden(path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
                )
            } else if !text.isEmpty, versionMatch != .notOlderThan {
                errors.append(.notSupported(path, .string(text), supported: ["NotOlderThan"]))
            }
            if !continueToken.isEmpty {
                errors.append(.forbidden(FieldPath("continue"), "continue is forbidden for watch"))
            }
        } else if !text.isEmpty {
            if versionText.isEmpty {
                errors.append(
                    .forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
            }
            if !continueToken.isEmpty {
                errors.append(.forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
            }
            if versionMatch == nil {
                errors.append(.notSupported(path, .string(text), supported: ["Exact", "NotOlderThan", ""]))
            }
            if versionMatch == .exact, resourceVersion == 0 {
                errors.append(
                    .forbidden(path, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""))
            }
        }
        if !errors.isEmpty { throw Self.invalid(errors) }
        if !continueToken.isEmpty, let version = resourceVersion, version != 0 {
            throw Status.badRequest("specifying resource version is not allowed when using continue")
        }
    }

    private static func invalid(_ errors: [FieldError]) -> Status {
        .invalid(GroupKind(group: "meta.k8s.io", kind: "ListOptions"), "", errors)
    }
}
