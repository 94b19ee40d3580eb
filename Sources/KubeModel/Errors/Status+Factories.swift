/// Kubernetes' own words for each outcome (k8s.io/apimachinery/pkg/api/errors).
extension Status {
    /// `services "web" not found`. `resource` is the plural name with its group.
    public static func notFound(_ resource: GroupResource, _ name: String) -> Status {
        Status(
            code: 404, reason: .notFound, message: "\(resource) \(goQuoted(name)) not found",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    /// A URL that leads nowhere.
    public static func resourceNotFound() -> Status {
        Status(
            code: 404, reason: .notFound, message: "the server could not find the requested resource",
            details: Details())
    }

    public static func alreadyExists(_ resource: GroupResource, _ name: String) -> Status {
        Status(
            code: 409, reason: .alreadyExists, message: "\(resource) \(goQuoted(name)) already exists",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    /// After the attempts to make a name from `generateName` all collided.
    public static func generateNameConflict(_ resource: GroupResource, _ name: String) -> Status {
        let message =
            "\(resource) \(goQuoted(name)) already exists, the server was not able to generate a unique name for the "
            + "object"
        return Status(
            code: 409, reason: .alreadyExists, message: message,
            details: Details(name: name, group: resource.group, kind: resource.resource, retryAfterSeconds: 1))
    }

    /// What a write with an outdated `resourceVersion` is told.
    public static let modifiedMessage =
        "the object has been modified; please apply your changes to the latest version and try again"

    public static func conflict(
        _ resource: GroupResource, _ name: String, _ reason: String = Status.modifiedMessage
    ) -> Status {
        Status(
            code: 409, reason: .conflict,
            message: "Operation cannot be fulfilled on \(resource) \(goQuoted(name)): \(reason)",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    /// All invalid fields at once. `kind` is qualified by its group in the message.
    public static func invalid(_ kind: GroupKind, _ name: String, _ errors: [FieldError]) -> Status {
        var seen: Set<String> = []
        let messages = errors.map(\.message).filter { seen.insert($0).inserted }
        var message = "\(kind) \(goQuoted(name)) is invalid"
        switch messages.count {
        case 0: break
        case 1: message += ": \(messages[0])"
        default: message += ": [\(messages.joined(separator: ", "))]"
        }
        return Status(
            code: 422, reason: .invalid, message: message,
            details: Details(
                name: name, group: kind.group, kind: kind.kind,
                causes: errors.map { Cause(reason: $0.kind.reason, message: $0.body, field: $0.field) }))
    }

    public static func badRequest(_ message: String) -> Status {
        Status(code: 400, reason: .badRequest, message: message)
    }

    public static func unauthorized(_ message: String = "Unauthorized") -> Status {
        Status(code: 401, reason: .unauthorized, message: message)
    }

    public static func forbidden(_ resource: GroupResource, _ name: String, _ reason: String) -> Status {
        let subject =
            resource.resource.isEmpty
            ? "forbidden" : name.isEmpty ? "\(resource) is forbidden" : "\(resource) \(goQuoted(name)) is forbidden"
        return Status(
            code: 403, reason: .forbidden, message: "\(subject): \(reason)",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    public static func methodNotAllowed(_ resource: GroupResource, _ action: String) -> Status {
        Status(
            code: 405, reason: .methodNotAllowed,
            message: "\(action) is not supported on resources of kind \(goQuoted(resource.description))",
            details: Details(group: resource.group, kind: resource.resource))
    }

    public static func notAcceptable(supported: [String]) -> Status {
        Status(
            code: 406, reason: .notAcceptable,
            message: "only the following media types are accepted: \(supported.joined(separator: ", "))")
    }

    public static func unsupportedMediaType(supported: [String]) -> Status {
        Status(
            code: 415, reason: .unsupportedMediaType,
            message: "the body of the request was in an unknown format - accepted media types include: "
                + supported.joined(separator: ", "))
    }

    public static func gone(_ message: String) -> Status {
        Status(code: 410, reason: .gone, message: message)
    }

    /// A resource version or continue token from before the last compaction.
    public static func expired(_ message: String) -> Status {
        Status(code: 410, reason: .expired, message: message)
    }

    public static func tooLarge(_ message: String) -> Status {
        Status(code: 413, reason: .requestEntityTooLarge, message: "Request entity too large: \(message)")
    }

    public static func tooManyRequests(
        _ message: String = "Too many requests, please try again later.", retryAfterSeconds: Int = 1
    ) -> Status {
        Status(
            code: 429, reason: .tooManyRequests, message: message,
            details: Details(retryAfterSeconds: retryAfterSeconds))
    }

    /// `reason` is told to the client: it must hold no internals.
    /// 507 for a write that finds no room on the disk. Kubernetes has no word for it; HTTP does (RFC 4918 §11.5). No time is
    /// named after which to try again: kubectl would, ten times, before it says anything.
    public static func insufficientStorage(_ message: String) -> Status {
        Status(code: 507, reason: StatusReason(rawValue: "InsufficientStorage"), message: message)
    }

    /// 500 for stored objects that are not what was written, as Kubernetes words it (KEP-3926).
    /// - Parameter names: `NAMESPACE/NAME`, or `NAME` of a cluster-scoped kind; the first hundred are told.
    public static func unreadable(_ resource: GroupResource, _ names: [String]) -> Status {
        let text = names.prefix(100).joined(separator: ", ")
        return Status(
            code: 500, reason: StatusReason(rawValue: "StorageReadError"),
            message:
                "what is stored of \(resource) is damaged and cannot be read: \(text); to be restored from a copy of "
                + "the store, or deleted by name",
            details: Details(
                name: names.count == 1 ? names[0] : nil, group: resource.group, kind: resource.resource,
                causes: names.prefix(100).map {
                    Cause(reason: "StorageReadError", message: "the stored value is damaged", field: $0)
                }))
    }

    public static func internalError(_ reason: String) -> Status {
        Status(
            code: 500, reason: .internalError, message: "Internal error occurred: \(reason)",
            details: Details(causes: [Cause(message: reason)]))
    }

    /// The operation did not finish in time and may be tried again.
    public static func serverTimeout(
        _ resource: GroupResource, operation: String, retryAfterSeconds: Int = 0
    ) -> Status {
        Status(
            code: 500, reason: .serverTimeout,
            message: "The \(operation) operation against \(resource) could not be completed at this time, please try "
                + "again.",
            details: Details(
                name: operation, group: resource.group, kind: resource.resource, retryAfterSeconds: retryAfterSeconds))
    }

    /// The request's own time ran out.
    public static func timeout(_ message: String, retryAfterSeconds: Int = 0) -> Status {
        Status(
            code: 504, reason: .timeout, message: "Timeout: \(message)",
            details: Details(retryAfterSeconds: retryAfterSeconds))
    }

    public static func serviceUnavailable(_ message: String) -> Status {
        Status(code: 503, reason: .serviceUnavailable, message: message)
    }
}
