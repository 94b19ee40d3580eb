/// Which requests of the same routes of another table go to this table's backends: a canary (ingress-nginx' `canary-*`).
///
/// A field comes before a cookie, that before the weight; what says neither yes nor no leaves it to the next.
public struct RouteCanary: Codable, Hashable, Sendable {
    /// A field of requests. Without value and pattern `always` means yes and `never` no.
    public var header: String?
    /// With exactly this value it means yes.
    public var headerValue: String?
    /// A value in which this regular expression (RE2) matches means yes; passed over beside ``headerValue``.
    public var headerPattern: String?
    /// A cookie of requests: `always` means yes and `never` no.
    public var cookie: String?
    /// So many of ``weightTotal`` requests; none without it.
    public var weight: Int?
    /// 100 without it, and never less.
    public var weightTotal: Int?
    /// `sticky` (the default): clients that a cookie keeps with their endpoint stay with the canary or beside it.
    /// `legacy`: none that were sent to the canary do.
    public var affinity: String?

    public init(
        header: String? = nil, headerValue: String? = nil, headerPattern: String? = nil, cookie: String? = nil,
        weight: Int? = nil, weightTotal: Int? = nil, affinity: String? = nil
    ) {
        self.header = header
        self.headerValue = headerValue
        self.headerPattern = headerPattern
        self.cookie = cookie
        self.weight = weight
        self.weightTotal = weightTotal
        self.affinity = affinity
    }

    /// The weight of what ``weight`` is a part of.
    public var effectiveTotal: Int { max(100, weightTotal ?? 100) }
}
