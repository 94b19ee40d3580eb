package import KubeModel

/// Who a request comes from (`authentication.k8s.io/v1 UserInfo`).
package struct UserInfo: Sendable, Hashable {
    package var name: String
    package var uid: String
    package var groups: [String]
    /// What an authenticator knows besides, by key.
    package var extra: [String: [String]]

    package init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    package static let anonymous = UserInfo(name: "system:anonymous", groups: ["system:unauthenticated"])
    /// Whoever can open the server's unix socket, and the server itself.
    package static let local = UserInfo(name: "system:admin", groups: ["system:masters", "system:authenticated"])

    /// `extra` as documents have it, keys in order.
    package var extraFields: JSONValue {
        .object(JSONObject(extra.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }))
    }

    /// As `v1 UserInfo` of authentication.k8s.io has it; what is empty is left out.
    package var fields: JSONObject {
        var fields: JSONObject = ["username": .string(name)]
        if !uid.isEmpty { fields["uid"] = .string(uid) }
        if !groups.isEmpty { fields["groups"] = JSONValue(groups) }
        if !extra.isEmpty { fields["extra"] = extraFields }
        return fields
    }

    package var isAnonymous: Bool { name == Self.anonymous.name }
}
