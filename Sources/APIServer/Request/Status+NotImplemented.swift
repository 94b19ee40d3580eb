import KubeModel

extension Status {
    /// What Kubernetes has and this server has no use for: 501, which clients print.
    static func notImplemented(_ subresource: Subresource, of definition: ResourceDefinition, _ name: String) -> Status
    {
        let reason =
            switch subresource {
            case .token: "this server issues no tokens"
            case .proxy: "this server reaches no kubelet"
            default: "this server runs no containers"
            }
        return Status(
            code: 501, reason: "NotImplemented",
            message: "\(subresource.rawValue) of \(definition.groupResource) \(goQuoted(name)) is not implemented: "
                + reason,
            details: Details(name: name, group: definition.group, kind: definition.plural))
    }
}
