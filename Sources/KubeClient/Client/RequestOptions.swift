public import KubeModel

/// What a list or watch asks for.
public struct ListOptions: Sendable, Hashable {
    /// In kubectl's grammar.
    public var labelSelector: String?
    public var fieldSelector: String?
    /// Items a page; nil for everything at once.
    public var limit: Int?
    public var continueToken: String?
    public var resourceVersion: String?
    /// `Exact` or `NotOlderThan`.
    public var resourceVersionMatch: String?
    /// When the server ends a watch.
    public var timeoutSeconds: Int?
    /// Whether a watch gets bookmarks.
    public var allowsBookmarks: Bool

    public init(
        labelSelector: String? = nil, fieldSelector: String? = nil, limit: Int? = nil, continueToken: String? = nil,
        resourceVersion: String? = nil, resourceVersionMatch: String? = nil, timeoutSeconds: Int? = nil,
        allowsBookmarks: Bool = false
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.limit = limit
        self.continueToken = continueToken
        self.resourceVersion = resourceVersion
        self.resourceVersionMatch = resourceVersionMatch
        self.timeoutSeconds = timeoutSeconds
        self.allowsBookmarks = allowsBookmarks
    }

    func query(watch: Bool) -> [(String, String)] {
        var query: [(String, String)] = []
        if watch { query.append(("watch", "true")) }
        if let labelSelector, !labelSelector.isEmpty { query.append(("labelSelector", labelSelector)) }
        if let fieldSelector, !fieldSelector.isEmpty { query.append(("fieldSelector", fieldSelector)) }
        if let limit { query.append(("limit", "\(limit)")) }
        if let continueToken, !continueToken.isEmpty { query.append(("continue", continueToken)) }
        if let resourceVersion { query.append(("resourceVersion", resourceVersion)) }
        if let resourceVersionMatch { query.append(("resourceVersionMatch", resourceVersionMatch)) }
        if let timeoutSeconds { query.append(("timeoutSeconds", "\(timeoutSeconds)")) }
        if allowsBookmarks { query.append(("allowWatchBookmarks", "true")) }
        return query
    }
}

/// What a deletion asks for.
public struct DeleteOptions: Sendable, Hashable {
    /// Refused with 409 unless the object has this uid.
    public var uid: String?
    /// Refused with 409 unless the object is at this version.
    public var resourceVersion: String?
    public var gracePeriodSeconds: Int?
    /// `Orphan`, `Background` or `Foreground`.
    public var propagationPolicy: String?

    public init(
        uid: String? = nil, resourceVersion: String? = nil, gracePeriodSeconds: Int? = nil,
        propagationPolicy: String? = nil
    ) {
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.gracePeriodSeconds = gracePeriodSeconds
        self.propagationPolicy = propagationPolicy
    }

    var body: [UInt8] {
        var object = JSONObject()
        object["apiVersion"] = "v1"
        object["kind"] = "DeleteOptions"
        if let gracePeriodSeconds { object["gracePeriodSeconds"] = .integer(Int64(gracePeriodSeconds)) }
        if let propagationPolicy { object["propagationPolicy"] = .string(propagationPolicy) }
        var preconditions = JSONObject()
        if let uid { preconditions["uid"] = .string(uid) }
        if let resourceVersion { preconditions["resourceVersion"] = .string(resourceVersion) }
        if uid != nil || resourceVersion != nil { object["preconditions"] = .object(preconditions) }
        return JSONValue.object(object).encoded()
    }
}

/// A partial change of an object.
public enum Patch: Sendable, Hashable {
    /// RFC 7386.
    case merge(JSONValue)
    /// RFC 6902: an array of operations.
    case json(JSONValue)
    /// Kubernetes' own, which merges lists by key.
    case strategicMerge(JSONValue)

    var contentType: String {
        switch self {
        case .merge: "application/merge-patch+json"
        case .json: "application/json-patch+json"
        case .strategicMerge: "application/strategic-merge-patch+json"
        }
    }

    var document: JSONValue {
        switch self {
        case .merge(let value), .json(let value), .strategicMerge(let value): value
        }
    }
}
