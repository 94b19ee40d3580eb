import APIResources

/// Every caller whom the server knows is an administrator; everybody may read what probes read.
///
/// A caller is known by an authenticated request (group `system:authenticated`), or by a name that has credentials here. A
/// review may also ask about others: about a name without credentials no request can ever come, so nothing is allowed to it.
struct KnownCallersAuthorizer: Authorizer {
    /// Whether there are credentials for this user name.
    var hasCredentials: @Sendable (_ name: String) -> Bool

    func decide(_ attributes: AccessAttributes) -> AccessDecision {
        guard isKnown(attributes.user) else {
            if case .path(let path) = attributes.target, Self.isOpen(path, attributes.verb) { return .allowed }
            return AccessDecision(outcome: .noOpinion, reason: Self.unknown(attributes.user))
        }
        guard attributes.verb != "impersonate" else {
            return AccessDecision(outcome: .denied, reason: "this server has no impersonation")
        }
        return .allowed
    }

    func rules(of user: UserInfo, namespace: String) -> AccessRules {
        guard isKnown(user) else {
            return AccessRules(paths: [AccessRules.PathRule(verbs: ["get"], paths: Self.openPaths)])
        }
        return AccessRules(
            resources: [AccessRules.ResourceRule(verbs: ["*"], groups: ["*"], resources: ["*"])],
            paths: [AccessRules.PathRule(verbs: ["*"], paths: ["*"])])
    }

    private func isKnown(_ user: UserInfo) -> Bool {
        if user.isAnonymous || user.groups.contains("system:unauthenticated") { return false }
        return user.groups.contains { $0 == "system:authenticated" || $0 == "system:masters" }
            || hasCredentials(user.name)
    }

    private static func unknown(_ user: UserInfo) -> String {
        if user.isAnonymous { return "anonymous callers may read probes and the version only" }
        if user.name.isEmpty { return "the groups are none of authenticated callers" }
        return "this server has no credentials for the user"
    }

    /// Kubernetes' `system:public-info-viewer`, and the single checks of the probes.
    static let openPaths = [
        "/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*", "/version",
    ]

    static func isOpen(_ path: String, _ verb: String) -> Bool {
        guard verb == "get" || verb == "head" else { return false }
        return openPaths.contains { open in
            open.hasSuffix("*") ? path.hasPrefix(open.dropLast()) : path == open || path == open + "/"
        }
    }
}
