import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// What kube-apiserver 1.36 serves by default in stable versions, as its published discovery documents name it. Each is
/// served here under the same name and verbs; what is only answered with 501 says why.
@Suite("Stable resources of Kubernetes") struct StableResourcesTests {
    private static let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    private static let part = ["get", "patch", "update"]
    private static let proxy = ["create", "delete", "get", "patch", "update"]

    /// Resources with every verb; a `+` before a name stands for a `status` beside it, `#` for `status` and `scale`.
    private static let plain = [
        "v1":
            "configmaps endpoints events limitranges +nodes +persistentvolumeclaims +persistentvolumes +pods podtemplates "
            + "#replicationcontrollers +resourcequotas secrets serviceaccounts +services",
        "admissionregistration.k8s.io/v1":
            "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
            + "+validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations",
        "apiextensions.k8s.io/v1": "+customresourcedefinitions",
        "apiregistration.k8s.io/v1": "+apiservices",
        "apps/v1": "controllerrevisions +daemonsets #deployments #replicasets #statefulsets",
        "autoscaling/v1": "+horizontalpodautoscalers",
        "autoscaling/v2": "+horizontalpodautoscalers",
        "batch/v1": "+cronjobs +jobs",
        "certificates.k8s.io/v1": "+certificatesigningrequests",
        "coordination.k8s.io/v1": "leases",
        "discovery.k8s.io/v1": "endpointslices",
        "events.k8s.io/v1": "events",
        "flowcontrol.apiserver.k8s.io/v1": "+flowschemas +prioritylevelconfigurations",
        "networking.k8s.io/v1": "ingressclasses +ingresses ipaddresses networkpolicies +servicecidrs",
        "node.k8s.io/v1": "runtimeclasses",
        "policy/v1": "+poddisruptionbudgets",
        "rbac.authorization.k8s.io/v1": "clusterrolebindings clusterroles rolebindings roles",
        "resource.k8s.io/v1": "deviceclasses +resourceclaims resourceclaimtemplates resourceslices",
        "scheduling.k8s.io/v1": "priorityclasses",
        "storage.k8s.io/v1":
            "csidrivers csinodes csistoragecapacities storageclasses +volumeattachments volumeattributesclasses",
    ]

    /// Those with other verbs.
    private static let special: [String: [String: [String]]] = [
        "v1": [
            "bindings": ["create"], "componentstatuses": ["get", "list"],
            "namespaces": all.filter { $0 != "deletecollection" }, "namespaces/finalize": ["update"],
            "namespaces/status": part, "nodes/proxy": proxy, "pods/attach": ["create", "get"],
            "pods/binding": ["create"], "pods/ephemeralcontainers": part, "pods/eviction": ["create"],
            "pods/exec": ["create", "get"], "pods/log": ["get"], "pods/portforward": ["create", "get"],
            "pods/proxy": proxy, "pods/resize": part, "serviceaccounts/token": ["create"], "services/proxy": proxy,
        ],
        "authentication.k8s.io/v1": ["selfsubjectreviews": ["create"], "tokenreviews": ["create"]],
        "authorization.k8s.io/v1": [
            "localsubjectaccessreviews": ["create"], "selfsubjectaccessreviews": ["create"],
            "selfsubjectrulesreviews": ["create"], "subjectaccessreviews": ["create"],
        ],
        "certificates.k8s.io/v1": ["certificatesigningrequests/approval": part],
    ]

    /// Listed in discovery and answered with 501.
    private static let unimplemented = [
        "nodes/proxy": "no kubelet is reached through this server",
        "pods/attach": "no container runs", "pods/exec": "no container runs", "pods/log": "no container runs",
        "pods/portforward": "no container runs",
        "pods/resize": "no container runs", "serviceaccounts/token": "this server issues no tokens",
    ]

    private static let published: [String: [String: [String]]] = {
        var published = special
        for (version, names) in plain {
            for marked in names.split(separator: " ") {
                let name = String(marked.drop { $0 == "+" || $0 == "#" })
                published[version, default: [:]][name] = all
                if marked.first != name.first { published[version, default: [:]]["\(name)/status"] = part }
                if marked.first == "#" { published[version, default: [:]]["\(name)/scale"] = part }
            }
        }
        return published
    }()

    @Test func `every one is served with its verbs`() async throws {
        let server = try await TestServer()
        for (version, resources) in Self.published {
            let document = await server.send("GET", version == "v1" ? "/api/v1" : "/apis/\(version)").json
            var served: [String: [String]] = [:]
            for resource in document["resources"].array ?? [] {
                served[resource["name"].string ?? ""] = (resource["verbs"].array ?? []).compactMap(\.string)
            }
            for (name, verbs) in resources { #expect(served[name] == verbs, "\(version) \(name)") }
            #expect(Set(served.keys).subtracting(resources.keys) == [], "\(version) has more than Kubernetes")
        }
    }

    @Test func `no stable version is left out, and none but ours and MetalLB's is added`() async throws {
        let server = try await TestServer()
        let groups = await server.send("GET", "/apis").json["groups"].array ?? []
        let versions = groups.flatMap { $0["versions"].array ?? [] }.compactMap { $0["groupVersion"].string }
        let more = ["traffic.martlet.dev/v1", "metallb.io/v1beta1", "metallb.io/v1beta2"]
        #expect(Set(versions).union(["v1"]) == Set(Self.published.keys).union(more))
    }

    @Test func `what is answered with 501 is known by name`() async throws {
        let server = try await TestServer()
        let found = server.core.resources.all.flatMap { resource in
            resource.strategy.unimplementedSubresources.map { "\(resource.definition.plural)/\($0.name)" }
        }
        #expect(found.sorted() == Self.unimplemented.keys.sorted())
    }
}
