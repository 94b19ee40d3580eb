import KubeModel

/// What the data plane of one node may do, and no more (the idea of Kubernetes' node authoriser): read what traffic
/// depends on, write what is said about its own node. What an object holds is ``NodeRestriction``'s to check.
struct NodeAccess {
    let node: String
    let user: String
    let lookup: ObjectLookup

    func allows(_ attributes: AccessAttributes) -> Bool {
        switch attributes.target {
        case .path(let path): Self.isDiscovery(attributes.verb, path)
        case .resource(let resource): allows(attributes.verb, resource)
        }
    }

    static let reason = "a node may only do what its data plane needs"

    /// What everybody with credentials may read to find his way.
    private static let discovery = ["/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz"]

    private static func isDiscovery(_ verb: String, _ path: String) -> Bool {
        (verb == "get" || verb == "head") && discovery.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    private struct Kind: Hashable {
        var group: String
        var resource: String

        init(_ group: String, _ resource: String) {
            self.group = group
            self.resource = resource
        }
    }

    /// Read by every data plane, wherever they are.
    private static let readable: Set<Kind> = [
        Kind("", "services"), Kind("", "endpoints"), Kind("", "nodes"), Kind("", "namespaces"),
        Kind("discovery.k8s.io", "endpointslices"), Kind("networking.k8s.io", "servicecidrs"),
        Kind("traffic.martlet.dev", "routetables"),
    ]

    private static let selfReviews: Set<Kind> = [
        Kind("authorization.k8s.io", "selfsubjectaccessreviews"),
        Kind("authorization.k8s.io", "selfsubjectrulesreviews"),
        Kind("authentication.k8s.io", "selfsubjectreviews"),
    ]

    private func allows(_ verb: String, _ access: AccessAttributes.Resource) -> Bool {
        let kind = Kind(access.group, access.plural)
        let isRead = ["get", "list", "watch"].contains(verb)
        let isChange = ["update", "patch"].contains(verb)
        if isRead, access.subresource.isEmpty, Self.readable.contains(kind) { return true }
        switch kind {
        case Kind("", "nodes"):
            if verb == "create" { return access.subresource.isEmpty }
            return isChange && access.name == node && ["", "status"].contains(access.subresource)
        case Kind("coordination.k8s.io", "leases"):
            guard access.namespace == Self.leaseNamespace, access.subresource.isEmpty else { return false }
            return verb == "create" || (verb == "get" || isChange) && access.name == node
        case Kind("", "events"), Kind("events.k8s.io", "events"):
            return access.subresource.isEmpty && !access.namespace.isEmpty && (verb == "create" || isChange)
        case Kind("traffic.martlet.dev", "routetables"):
            return isChange && access.subresource == "status"
        case Kind("", "configmaps"): return allowsConfigMap(verb, access)
        case Kind("", "secrets"): return allowsSecret(verb, access)
        case Kind("", "pods"): return allowsPod(verb, access, isChange: isChange)
        default:
            if Self.selfReviews.contains(kind) { return verb == "create" }
            return CertificateRequestAccess.allows(verb, access, user, lookup)
        }
    }

    static let leaseNamespace = "kube-node-lease"

    private static let systemNamespace = "kube-system"
    private static let readableConfigMaps = ["coredns", "coredns-custom"]

    /// What says how names are answered (CoreDNS' configuration), by whatever way it is read.
    private func allowsConfigMap(_ verb: String, _ access: AccessAttributes.Resource) -> Bool {
        guard access.subresource.isEmpty else { return false }
        switch verb {
        case "get":
            return access.namespace == Self.systemNamespace && Self.readableConfigMaps.contains(access.name)
        case "list", "watch":
            let isInSystem =
                access.namespace == Self.systemNamespace
                || selects(access, "metadata.namespace", Self.systemNamespace)
            return isInSystem && Self.readableConfigMaps.contains { selects(access, "metadata.name", $0) }
        default: return false
        }
    }

    /// Certificates for the L7 proxy, and no other Secret.
    private func allowsSecret(_ verb: String, _ access: AccessAttributes.Resource) -> Bool {
        guard access.subresource.isEmpty else { return false }
        switch verb {
        case "list", "watch": return selects(access, "type", "kubernetes.io/tls")
        case "get": return lookup("", "secrets", access.namespace, access.name)?["type"].string == "kubernetes.io/tls"
        default: return false
        }
    }

    /// The Pods of this node, and their status.
    private func allowsPod(_ verb: String, _ access: AccessAttributes.Resource, isChange: Bool) -> Bool {
        switch verb {
        case "list", "watch": return access.subresource.isEmpty && selects(access, "spec.nodeName", node)
        case "get" where access.subresource.isEmpty: break
        case _ where isChange && access.subresource == "status": break
        default: return false
        }
        return lookup("", "pods", access.namespace, access.name)?["spec"]["nodeName"].string == node
    }

    private func selects(_ access: AccessAttributes.Resource, _ path: String, _ value: String) -> Bool {
        access.fields?.requirements.contains(.init(path, .equals, value)) == true
    }

    /// What of it can be listed: which objects are its own is found out request by request.
    static func rules(namespace: String) -> AccessRules {
        let groups = Dictionary(grouping: readable, by: \.group).sorted { $0.key < $1.key }
        var rules = groups.map { group, kinds in
            AccessRules.ResourceRule(
                verbs: ["get", "list", "watch"], groups: [group], resources: kinds.map(\.resource).sorted())
        }
        rules.append(
            AccessRules.ResourceRule(
                verbs: ["create", "patch", "update"], groups: ["", "events.k8s.io"], resources: ["events"]))
        rules.append(CertificateRequestAccess.rule)
        if namespace == Self.systemNamespace {
            rules.append(
                AccessRules.ResourceRule(
                    verbs: ["get", "list", "watch"], groups: [""], resources: ["configmaps"],
                    names: Self.readableConfigMaps))
        }
        return AccessRules(
            resources: rules,
            paths: [AccessRules.PathRule(verbs: ["get"], paths: discovery.flatMap { [$0, $0 + "/*"] })],
            isIncomplete: true)
    }
}
