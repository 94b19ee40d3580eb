/// `metav1.Status`: how the API answers with an outcome instead of an object.
public struct Status: Error, Codable, Hashable, Sendable {
    public struct Details: Codable, Hashable, Sendable {
        public var name: String?
        public var group: String?
        /// For some reasons the plural resource name, as in Kubernetes.
        public var kind: String?
        public var uid: String?
        public var causes: [Cause]?
        public var retryAfterSeconds: Int?

        /// Empty strings count as absent, as they do on the wire.
        public init(
            name: String? = nil, group: String? = nil, kind: String? = nil, uid: String? = nil,
            causes: [Cause]? = nil, retryAfterSeconds: Int? = nil
        ) {
            self.name = name?.isEmpty == true ? nil : name
            self.group = group?.isEmpty == true ? nil : group
            self.kind = kind?.isEmpty == true ? nil : kind
            self.uid = uid
            self.causes = causes
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    public struct Cause: Codable, Hashable, Sendable {
        public var reason: String?
        public var message: String?
        public var field: String?

        public init(reason: String? = nil, message: String? = nil, field: String? = nil) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// `metav1.ListMeta`, as far as a Status has any.
    public struct ListMetadata: Codable, Hashable, Sendable {
        /// Of a 410 to a list's continuation: a token that goes on with what is there now.
        public var `continue`: String?

        public init(continue: String? = nil) {
            self.continue = `continue`
        }
    }

    public var metadata: ListMetadata?
    /// `Success` or `Failure`.
    public var status: String
    public var message: String?
    public var reason: StatusReason?
    public var details: Details?
    /// The HTTP status.
    public var code: Int

    public init(
        code: Int, reason: StatusReason?, message: String?, details: Details? = nil, status: String = "Failure"
    ) {
        self.status = status
        self.message = message
        self.reason = reason
        self.details = details
        self.code = code
    }

    /// What a delete of an object answers.
    public static func success(details: Details? = nil) -> Status {
        Status(code: 200, reason: nil, message: nil, details: details, status: "Success")
    }

    public var isSuccess: Bool { status == "Success" }

    /// The document with `kind`, `apiVersion` and `metadata`, in the order in which Kubernetes writes it.
    public var json: JSONValue {
        var listMetadata = JSONObject()
        if let token = metadata?.continue { listMetadata["continue"] = .string(token) }
        var object: JSONObject = [
            "kind": "Status", "apiVersion": "v1", "metadata": .object(listMetadata), "status": .string(status),
        ]
        if let message, !message.isEmpty { object["message"] = .string(message) }
        if let reason, reason.rawValue != "" { object["reason"] = .string(reason.rawValue) }
        if let details { object["details"] = details.json }
        if code != 0 { object["code"] = .integer(Int64(code)) }
        return .object(object)
    }

    /// Reads the document leniently: what is missing stays empty. nil when it is no `Status`.
    public init?(json: JSONValue) {
        guard json["kind"].string == "Status" else { return nil }
        let message = json["message"].string
        self.init(
            code: json["code"].int ?? 0, reason: json["reason"].string.map { StatusReason(rawValue: $0) },
            message: message, details: json["details"].map { Details(json: $0) },
            status: json["status"].string ?? "Failure")
        if let token = json["metadata"]["continue"].string { metadata = ListMetadata(continue: token) }
    }
}

extension Status.Details {
    var json: JSONValue {
        var object = JSONObject()
        if let name, !name.isEmpty { object["name"] = .string(name) }
        if let group, !group.isEmpty { object["group"] = .string(group) }
        if let kind, !kind.isEmpty { object["kind"] = .string(kind) }
        if let uid, !uid.isEmpty { object["uid"] = .string(uid) }
        if let causes, !causes.isEmpty {
            object["causes"] = .array(
                causes.map { cause in
                    var entry = JSONObject()
                    if let reason = cause.reason { entry["reason"] = .string(reason) }
                    if let message = cause.message { entry["message"] = .string(message) }
                    if let field = cause.field { entry["field"] = .string(field) }
                    return .object(entry)
                })
        }
        if let retryAfterSeconds, retryAfterSeconds != 0 {
            object["retryAfterSeconds"] = .integer(Int64(retryAfterSeconds))
        }
        return .object(object)
    }

    init(json: JSONValue) {
        self.init(
            name: json["name"].string, group: json["group"].string, kind: json["kind"].string,
            uid: json["uid"].string,
            causes: json["causes"].array?.map {
                Status.Cause(reason: $0["reason"].string, message: $0["message"].string, field: $0["field"].string)
            }, retryAfterSeconds: json["retryAfterSeconds"].int)
    }
}

extension Status: CustomStringConvertible {
    public var description: String { message ?? reason?.rawValue ?? status }
}

/// `metav1.StatusReason`: the machine-readable cause. Unknown ones are kept.
public struct StatusReason: RawRepresentable, Codable, Hashable, Sendable, ExpressibleByStringLiteral {
    public var rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(stringLiteral value: String) {
        rawValue = value
    }

    public static let unauthorized: StatusReason = "Unauthorized"
    public static let forbidden: StatusReason = "Forbidden"
    public static let notFound: StatusReason = "NotFound"
    public static let alreadyExists: StatusReason = "AlreadyExists"
    public static let conflict: StatusReason = "Conflict"
    public static let gone: StatusReason = "Gone"
    public static let expired: StatusReason = "Expired"
    public static let invalid: StatusReason = "Invalid"
    public static let serverTimeout: StatusReason = "ServerTimeout"
    public static let timeout: StatusReason = "Timeout"
    public static let tooManyRequests: StatusReason = "TooManyRequests"
    public static let badRequest: StatusReason = "BadRequest"
    public static let methodNotAllowed: StatusReason = "MethodNotAllowed"
    public static let notAcceptable: StatusReason = "NotAcceptable"
    public static let requestEntityTooLarge: StatusReason = "RequestEntityTooLarge"
    public static let unsupportedMediaType: StatusReason = "UnsupportedMediaType"
    public static let internalError: StatusReason = "InternalError"
    public static let serviceUnavailable: StatusReason = "ServiceUnavailable"
}
