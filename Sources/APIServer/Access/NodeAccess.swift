import KubeModel

/// What the data plane of one node may do, and no more (the idea of Kubernetes' node authoriser): read what traffic
/// depends on, write what is said about its own node. What an object holds is ``NodeRestriction``'s to check.
struct NodeAccess {
    let node: String
    let user: String
    let lookup: ObjectLookup
    let listing: ObjectListing

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
        Kind("traffic.martlet.dev", "routetables"), Kind("traffic.martlet.dev", "addresspools"),
        Kind("metallb.io", "ipaddresspools"), Kind("metallb.io", "l2advertisements"),
        Kind("metallb.io", "bgpadvertisements"), Kind("metallb.io", "communities"), Kind("metallb.io", "bfdprofiles"),
        Kind("metallb.io", "bgppeers"), Kind("metallb.io", "servicel2statuses"),
        Kind("metallb.io", "servicebgpstatuses"),
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
        case Kind("coordination.k8s.io", "leases"): return allowsLease(verb, access, isRead: isRead, isChange: isChange)
        case Kind("", "events"), Kind("events.k8s.io", "events"):
            return access.subresource.isEmpty && !access.namespace.isEmpty && (verb == "create" || isChange)
        case Kind("traffic.martlet.dev", "routetables"):
            return isChange && access.subresource == "status"
        case Kind("metallb.io", "servicel2statuses"), Kind("metallb.io", "servicebgpstatuses"):
            return allowsAnnouncement(verb, access, isChange: isChange)
        case Kind("", "configmaps"): return allowsConfigMap(verb, access)
        case Kind("", "secrets"): return allowsSecret(verb, access)
        case Kind("", "pods"): return allowsPod(verb, access, isChange: isChange)
        default:
            if Self.selfReviews.contains(kind) { return verb == "create" }
            return CertificateRequestAccess.allows(verb, access, user, lookup)
        }
    }

    static let leaseNamespace = "kube-node-lease"

    /// The Lease that says that the node lives, and those over which nodes agree on who announces an address.
    private func allowsLease(_ verb: String, _ access: AccessAttributes.Resource, isRead: Bool, isChange: Bool) -> Bool
    {
        guard access.subresource.isEmpty else { return false }
        switch access.namespace {
        case Self.leaseNamespace: return verb == "create" || (verb == "get" || isChange) && access.name == node
        case AnnouncementLease.namespace:
            // Which of them it creates is seen when there is an object to look at.
            return isRead || verb == "create" || isChange && Self.mayWriteLease(access.name, node)
        default: return false
        }
    }

    /// Whether a Lease of this name in ``AnnouncementLease/namespace`` is the node's to write.
    static func mayWriteLease(_ name: String, _ node: String) -> Bool {
        name.hasPrefix(AnnouncementLease.nodePrefix)
            ? name == AnnouncementLease.own(node) : name.hasPrefix(AnnouncementLease.prefix)
    }

    /// What the node says of the addresses that it announces.
    private func allowsAnnouncement(_ verb: String, _ access: AccessAttributes.Resource, isChange: Bool) -> Bool {
        switch verb {
        case "create": return access.subresource.isEmpty
        case "delete" where access.subresource.isEmpty: break
        case _ where isChange && ["", "status"].contains(access.subresource): break
        default: return false
        }
        let object = lookup(access.group, access.plural, access.namespace, access.name)
        return object["metadata"]["labels"][AnnouncementLabel.node].string == node
    }

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

    private static let passwordType = "kubernetes.io/basic-auth"

    /// Certificates for the L7 proxy, passwords that a BGPPeer of the same namespace names, and opaque Secrets that a
    /// RouteTable names; no other Secret. A list or a watch has to be narrowed to the type, and but for certificates to a
    /// name.
    private func allowsSecret(_ verb: String, _ access: AccessAttributes.Resource) -> Bool {
        guard access.subresource.isEmpty else { return false }
        switch verb {
        case "list", "watch":
            if selects(access, "type", "kubernetes.io/tls") { return true }
            let isOpaque = selects(access, "type", RouteTableSecrets.type)
            guard isOpaque || selects(access, "type", Self.passwordType) else { return false }
            let names = access.fields?.requirements.filter { $0.path == "metadata.name" && $0.operator == .equals }
            return names?.contains {
                isOpaque ? isNamedByRoutes($0.value, access.namespace) : isPeerPassword($0.value, access.namespace)
            } == true
        case "get":
            switch lookup("", "secrets", access.namespace, access.name)?["type"].string {
            case "kubernetes.io/tls": return true
            case Self.passwordType: return isPeerPassword(access.name, access.namespace)
            case RouteTableSecrets.type: return isNamedByRoutes(access.name, access.namespace)
            default: return false
            }
        default: return false
        }
    }

    /// Seldom asked: once for each session that is opened, so a look at all peers of the namespace is no loss.
    private func isPeerPassword(_ name: String, _ namespace: String) -> Bool {
        guard !name.isEmpty, !namespace.isEmpty else { return false }
        return listing("metallb.io", "bgppeers", namespace).contains {
            $0["spec"]["passwordSecret"]["name"].string == name
        }
    }

    /// Asked once for each Secret that is followed.
    private func isNamedByRoutes(_ name: String, _ namespace: String) -> Bool {
        guard !name.isEmpty, !namespace.isEmpty else { return false }
        return listing("traffic.martlet.dev", "routetables", namespace).contains {
            RouteTableSecrets.names(in: $0).contains(name)
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
