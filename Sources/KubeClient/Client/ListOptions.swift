import KubeModel

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
