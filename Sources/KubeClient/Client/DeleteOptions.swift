import KubeModel

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
