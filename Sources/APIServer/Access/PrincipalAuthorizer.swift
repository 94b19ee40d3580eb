import APIResources
import KubeModel

/// Asks the rules that are in force for the sender's kind (``Principal``).
struct PrincipalAuthorizer: Authorizer {
    let lookup: ObjectLookup
    let listing: ObjectListing
    /// Decides about everybody who is not limited.
    let others: KnownCallersAuthorizer

    func decide(_ attributes: AccessAttributes) -> AccessDecision {
        let user = attributes.user
        switch Principal(user) {
        case .unlimited:
            return others.decide(attributes)
        case .node(let name):
            let access = NodeAccess(node: name, user: user.name, lookup: lookup, listing: listing)
            return answer(access.allows(attributes), NodeAccess.reason)
        case .bootstrapper:
            return answer(BootstrapAccess(user: user.name, lookup: lookup).allows(attributes), BootstrapAccess.reason)
        case .anonymous:
            if ClusterInfoAccess.allows(attributes) { return .allowed }
            return others.decide(attributes)
        case .unreadable:
            return AccessDecision(outcome: .denied, reason: "the user's name and groups do not fit together")
        }
    }

    func rules(of user: UserInfo, namespace: String) -> AccessRules {
        switch Principal(user) {
        case .unlimited, .anonymous: others.rules(of: user, namespace: namespace)
        case .node: NodeAccess.rules(namespace: namespace)
        case .bootstrapper: BootstrapAccess.rules
        case .unreadable: AccessRules()
        }
    }

    private func answer(_ isAllowed: Bool, _ reason: String) -> AccessDecision {
        isAllowed ? .allowed : AccessDecision(outcome: .denied, reason: reason)
    }
}
