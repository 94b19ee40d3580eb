import KubeModel

/// A Secret as annotations name it: `NAMESPACE/NAME`, or `NAME` alone. Pure.
enum SecretReference: Hashable, Sendable {
    case name(String)
    /// What is wrong, in words that follow the annotation's value.
    case problem(String)

    /// Only the Ingress' own namespace is looked in, as in ingress-nginx since `allow-cross-namespace-resources` is off by
    /// default: whoever may write Ingresses must not use the Secrets of others.
    static func read(_ text: String, namespace: String) -> SecretReference {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let name = parts.last, Validation.dns1123Subdomain(name).isEmpty,
            parts.count == 1 || Validation.dns1123Label(parts[0]).isEmpty
        else { return .problem("is not NAMESPACE/NAME of a Secret") }
        if parts.count == 2, parts[0] != namespace { return .problem("is in another namespace than the Ingress") }
        return .name(name)
    }
}
