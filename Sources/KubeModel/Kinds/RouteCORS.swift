/// What browsers are told of requests that pages of other origins make (Fetch standard, "CORS protocol").
public struct RouteCORS: Codable, Hashable, Sendable {
    /// `*` for every origin, or origins such as `https://a.example.com` and `https://*.example.com:8443`, where the star is one
    /// label or more; every one without it.
    public var origins: [String]?
    /// The value of `Access-Control-Allow-Methods`.
    public var methods: String?
    /// The value of `Access-Control-Allow-Headers`.
    public var headers: String?
    /// The value of `Access-Control-Expose-Headers`; none without it.
    public var exposedHeaders: String?
    /// Whether cookies and the like may be sent; they may without it.
    public var credentials: Bool?
    /// Seconds that an answer to a preflight holds.
    public var maxAge: Int?

    public static let usualMethods = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
    public static let usualHeaders =
        "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
    /// 20 days.
    public static let usualMaxAge = 1_728_000

    public init(
        origins: [String]? = nil, methods: String? = nil, headers: String? = nil, exposedHeaders: String? = nil,
        credentials: Bool? = nil, maxAge: Int? = nil
    ) {
        self.origins = origins
        self.methods = methods
        self.headers = headers
        self.exposedHeaders = exposedHeaders
        self.credentials = credentials
        self.maxAge = maxAge
    }
}
