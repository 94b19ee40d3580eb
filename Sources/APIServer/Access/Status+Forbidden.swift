import APIResources
import KubeModel

extension Status {
    /// 403 in Kubernetes' words: who cannot do what, and why if the decision says so.
    static func forbidden(_ attributes: AccessAttributes, _ decision: AccessDecision) -> Status {
        let user = goQuoted(attributes.user.name)
        let reason = decision.reason.isEmpty ? "" : ": \(decision.reason)"
        switch attributes.target {
        case .path(let path):
            return Status(
                code: 403, reason: .forbidden,
                message: "forbidden: User \(user) cannot \(attributes.verb) path \(goQuoted(path))\(reason)",
                details: Details())
        case .resource(let resource):
            let place =
                resource.namespace.isEmpty
                ? "at the cluster scope" : "in the namespace \(goQuoted(resource.namespace))"
            return .forbidden(
                GroupResource(group: resource.group, resource: resource.plural), resource.name,
                "User \(user) cannot \(attributes.verb) resource \(goQuoted(resource.path)) in API group "
                    + "\(goQuoted(resource.group)) \(place)\(reason)")
        }
    }
}
