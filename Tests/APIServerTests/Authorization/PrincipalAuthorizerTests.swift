import APIResources
import KubeModel
import Testing

@testable import APIServer

@Suite("Which users are limited, and to what") struct PrincipalAuthorizerTests {
    private static let node = UserInfo(name: "system:node:a", groups: ["system:nodes", "system:authenticated"])
    private static let machine = UserInfo(
        name: "system:bootstrap:abcdef", groups: ["system:bootstrappers", "system:authenticated"])

    private let authorizer = PrincipalAuthorizer(
        lookup: { group, plural, namespace, name in
            switch (plural, name) {
            case ("certificatesigningrequests", "of-machine"): ["spec": ["username": "system:bootstrap:abcdef"]]
            case ("certificatesigningrequests", "of-node"): ["spec": ["username": "system:node:a"]]
            case ("pods", "here"): ["spec": ["nodeName": "a"]]
            case ("pods", "there"): ["spec": ["nodeName": "b"]]
            case ("secrets", "tls"): ["type": "kubernetes.io/tls"]
            case ("secrets", "opaque"): ["type": "Opaque"]
            case ("servicel2statuses", "here"): ["metadata": ["labels": ["metallb.io/node": "a"]]]
            case ("servicel2statuses", "there"): ["metadata": ["labels": ["metallb.io/node": "b"]]]
            default: nil
            }
        }, listing: { _, _, _ in [] }, others: KnownCallersAuthorizer { _ in false })

    private func allows(
        _ user: UserInfo, _ verb: String, _ plural: String, group: String = "", subresource: String = "",
        namespace: String = "", name: String = "", fields: String = ""
    ) throws -> Bool {
        var resource = AccessAttributes.Resource(group: group, version: "v1", plural: plural)
        (resource.subresource, resource.namespace, resource.name) = (subresource, namespace, name)
        if !fields.isEmpty { resource.fields = try FieldSelector(parsing: fields) }
        return authorizer.decide(AccessAttributes(user: user, verb: verb, target: .resource(resource))).isAllowed
    }

    @Test(arguments: ["get", "list", "watch"])
    func `a node reads what traffic depends on, and writes none of it`(verb: String) throws {
        for (group, plural) in [
            ("", "services"), ("discovery.k8s.io", "endpointslices"), ("traffic.martlet.dev", "routetables"),
            ("", "nodes"), ("traffic.martlet.dev", "addresspools"), ("metallb.io", "ipaddresspools"),
            ("metallb.io", "l2advertisements"), ("metallb.io", "bgpadvertisements"), ("metallb.io", "communities"),
            ("metallb.io", "bfdprofiles"), ("metallb.io", "bgppeers"),
        ] {
            #expect(try allows(Self.node, verb, plural, group: group, namespace: "x", name: "y"))
            for change in ["create", "update", "patch", "delete", "deletecollection"] where plural != "nodes" {
                #expect(try !allows(Self.node, change, plural, group: group, namespace: "x", name: "y"))
            }
        }
    }

    @Test func `a node reads the configuration of DNS and no other ConfigMap`() throws {
        let (own, name) = ("metadata.namespace=kube-system", "metadata.name=coredns")
        #expect(try allows(Self.node, "get", "configmaps", namespace: "kube-system", name: "coredns"))
        #expect(try allows(Self.node, "get", "configmaps", namespace: "kube-system", name: "coredns-custom"))
        for verb in ["list", "watch"] {
            #expect(try allows(Self.node, verb, "configmaps", fields: "\(own),\(name)"))
            #expect(try allows(Self.node, verb, "configmaps", namespace: "kube-system", fields: name))
            #expect(try !allows(Self.node, verb, "configmaps", fields: name))
            #expect(try !allows(Self.node, verb, "configmaps", fields: own))
            #expect(try !allows(Self.node, verb, "configmaps", namespace: "shop", fields: name))
        }
        #expect(try !allows(Self.node, "get", "configmaps", namespace: "kube-system", name: "other"))
        #expect(try !allows(Self.node, "get", "configmaps", namespace: "shop", name: "coredns"))
        #expect(try !allows(Self.node, "update", "configmaps", namespace: "kube-system", name: "coredns"))
    }

    @Test func `a node writes its own Node, Lease and status`() throws {
        let leases = "coordination.k8s.io"
        #expect(try allows(Self.node, "patch", "nodes", name: "a"))
        #expect(try allows(Self.node, "patch", "nodes", subresource: "status", name: "a"))
        #expect(try !allows(Self.node, "patch", "nodes", name: "b"))
        #expect(try !allows(Self.node, "patch", "nodes", subresource: "status", name: "b"))
        #expect(try !allows(Self.node, "delete", "nodes", name: "a"))
        #expect(try !allows(Self.node, "get", "nodes", subresource: "proxy", name: "a"))
        #expect(try allows(Self.node, "create", "leases", group: leases, namespace: "kube-node-lease"))
        #expect(try allows(Self.node, "patch", "leases", group: leases, namespace: "kube-node-lease", name: "a"))
        #expect(try !allows(Self.node, "patch", "leases", group: leases, namespace: "kube-node-lease", name: "b"))
        #expect(try !allows(Self.node, "patch", "leases", group: leases, namespace: "kube-system", name: "a"))
        #expect(try allows(Self.node, "create", "events", namespace: "shop"))
        #expect(
            try allows(
                Self.node, "patch", "routetables", group: "traffic.martlet.dev", subresource: "status",
                namespace: "shop", name: "x"))
    }

    @Test(arguments: ["update", "patch"])
    func `a node writes the announcements that it made, and reads all`(change: String) throws {
        func allows(_ verb: String, _ name: String, _ subresource: String = "") throws -> Bool {
            try self.allows(
                Self.node, verb, "servicel2statuses", group: "metallb.io", subresource: subresource, namespace: "x",
                name: name)
        }
        #expect(try allows("list", "") && allows("get", "there") && allows("create", ""))
        #expect(try allows(change, "here") && allows(change, "here", "status") && allows("delete", "here"))
        #expect(try !allows(change, "there") && !allows(change, "there", "status") && !allows("delete", "there"))
        #expect(
            try !allows(change, "missing") && !allows("deletecollection", "") && !allows("delete", "here", "status"))
    }

    @Test func `a node reads Secrets of certificates and no others`() throws {
        #expect(try allows(Self.node, "list", "secrets", fields: "type=kubernetes.io/tls"))
        #expect(try !allows(Self.node, "list", "secrets"))
        #expect(try !allows(Self.node, "list", "secrets", fields: "type!=kubernetes.io/tls"))
        #expect(try !allows(Self.node, "list", "secrets", fields: "type=Opaque"))
        #expect(try !allows(Self.node, "watch", "secrets", fields: "metadata.name=x"))
        #expect(try allows(Self.node, "get", "secrets", namespace: "shop", name: "tls"))
        #expect(try !allows(Self.node, "get", "secrets", namespace: "shop", name: "opaque"))
        #expect(try !allows(Self.node, "get", "secrets", namespace: "shop", name: "missing"))
        #expect(try !allows(Self.node, "patch", "secrets", namespace: "shop", name: "tls"))
    }

    @Test func `a node reads its own Pods and writes their status`() throws {
        #expect(try allows(Self.node, "watch", "pods", fields: "spec.nodeName=a"))
        #expect(try !allows(Self.node, "watch", "pods", fields: "spec.nodeName=b"))
        #expect(try !allows(Self.node, "watch", "pods"))
        #expect(try allows(Self.node, "patch", "pods", subresource: "status", namespace: "x", name: "here"))
        #expect(try !allows(Self.node, "patch", "pods", subresource: "status", namespace: "x", name: "there"))
        #expect(try !allows(Self.node, "patch", "pods", namespace: "x", name: "here"))
        #expect(try !allows(Self.node, "get", "pods", subresource: "log", namespace: "x", name: "here"))
    }

    @Test(arguments: [
        ("list", "configmaps", ""), ("create", "pods", ""), ("get", "clusterroles", "rbac.authorization.k8s.io"),
        ("patch", "certificatesigningrequests", "certificates.k8s.io"), ("*", "*", "*"),
    ])
    func `a node may nothing else`(verb: String, plural: String, group: String) throws {
        #expect(try !allows(Self.node, verb, plural, group: group, namespace: "x", name: "y"))
    }

    @Test func `a bootstrap token reads what everybody may, and asks about itself`() throws {
        func reads(_ path: String, _ verb: String = "get") -> Bool {
            authorizer.decide(AccessAttributes(user: Self.machine, verb: verb, target: .path(path))).isAllowed
        }
        for path in ["/healthz", "/livez", "/livez/ping", "/readyz", "/version"] { #expect(reads(path), "\(path)") }
        #expect(!reads("/metrics") && !reads("/version", "post"))
        for (group, plural) in [
            ("authorization.k8s.io", "selfsubjectaccessreviews"), ("authorization.k8s.io", "selfsubjectrulesreviews"),
            ("authentication.k8s.io", "selfsubjectreviews"),
        ] {
            #expect(try allows(Self.machine, "create", plural, group: group))
        }
        #expect(try !allows(Self.machine, "create", "subjectaccessreviews", group: "authorization.k8s.io"))
        #expect(try !allows(Self.machine, "create", "tokenreviews", group: "authentication.k8s.io"))
    }

    @Test func `a bootstrap token creates requests and reads its own`() throws {
        let group = "certificates.k8s.io"
        let plural = "certificatesigningrequests"
        #expect(try allows(Self.machine, "create", plural, group: group))
        #expect(try allows(Self.machine, "get", plural, group: group, name: "of-machine"))
        #expect(try !allows(Self.machine, "get", plural, group: group, name: "of-node"))
        #expect(try !allows(Self.machine, "get", plural, group: group, name: "missing"))
        #expect(try !allows(Self.machine, "list", plural, group: group))
        #expect(try !allows(Self.machine, "update", plural, group: group, subresource: "approval", name: "of-machine"))
        #expect(try !allows(Self.machine, "get", "services", namespace: "x", name: "y"))
        #expect(try !allows(Self.machine, "create", "nodes"))
    }

    @Test(arguments: [
        UserInfo(name: "system:node:a", groups: ["system:authenticated"]),
        UserInfo(name: "bob", groups: ["system:nodes", "system:authenticated"]),
        UserInfo(name: "system:node:", groups: ["system:nodes"]),
        UserInfo(name: "system:node:A B", groups: ["system:nodes"]),
        UserInfo(name: "system:bootstrap:abcdef", groups: ["system:authenticated"]),
        UserInfo(name: "bob", groups: ["system:bootstrappers:x", "system:authenticated"]),
    ])
    func `a claim that is not understood is nobody's`(user: UserInfo) throws {
        #expect(Principal(user) == .unreadable)
        #expect(try !allows(user, "get", "services", namespace: "x", name: "y"))
        #expect(authorizer.rules(of: user, namespace: "x") == AccessRules())
    }

    @Test func `everybody may read cluster-info, and nothing beside it`() {
        func allows(_ verb: String, _ path: String) -> Bool {
            authorizer.decide(AccessAttributes(user: .anonymous, verb: verb, target: .path(path))).isAllowed
        }
        #expect(allows("get", "/api/v1/namespaces/kube-public/configmaps/cluster-info"))
        #expect(!allows("delete", "/api/v1/namespaces/kube-public/configmaps/cluster-info"))
        #expect(!allows("get", "/api/v1/namespaces/kube-public/configmaps"))
        #expect(!allows("get", "/api/v1/watch/namespaces/kube-public/configmaps/cluster-info"))
        #expect(!allows("get", "/api/v1/namespaces/kube-public/configmaps/cluster-info/status"))
        #expect(allows("get", "/version"))
    }
}
