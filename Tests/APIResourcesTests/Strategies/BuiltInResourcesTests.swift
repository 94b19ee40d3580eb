import KubeModel
import NetworkTypes
import Testing

@testable import APIResources

@Suite("The built-in kinds") struct BuiltInResourcesTests {
    let registry: ResourceRegistry

    init() throws {
        let range = try #require(CIDR("127.96.0.0/16"))
        registry = try BuiltInResources.registry(ranges: AllocationRanges(serviceCIDRs: [range]))
    }

    static let expected: [(path: String, kind: String, namespaced: Bool, short: [String], hasStatus: Bool)] = [
        ("/v1/limitranges", "LimitRange", true, ["limits"], false),
        ("/v1/persistentvolumes", "PersistentVolume", false, ["pv"], true),
        ("/v1/resourcequotas", "ResourceQuota", true, ["quota"], true),
        (
            "admissionregistration.k8s.io/v1/mutatingadmissionpolicies", "MutatingAdmissionPolicy", false, [],
            false
        ),
        (
            "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", false,
            [],
            false
        ),
        (
            "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "MutatingWebhookConfiguration", false, [],
            false
        ),
        (
            "admissionregistration.k8s.io/v1/validatingadmissionpolicies", "ValidatingAdmissionPolicy", false, [],
            true
        ),
        (
            "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding",
            false, [],
            false
        ),
        (
            "admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false,
            [],
            false
        ),
        (
            "apiregistration.k8s.io/v1/apiservices", "APIService", false, [],
            true
        ),
        (
            "certificates.k8s.io/v1/certificatesigningrequests", "CertificateSigningRequest", false, ["csr"],
            true
        ),
        (
            "flowcontrol.apiserver.k8s.io/v1/flowschemas", "FlowSchema", false, [],
            true
        ),
        (
            "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "PriorityLevelConfiguration", false, [],
            true
        ),
        (
            "node.k8s.io/v1/runtimeclasses", "RuntimeClass", false, [],
            false
        ),
        (
            "resource.k8s.io/v1/deviceclasses", "DeviceClass", false, [],
            false
        ),
        (
            "resource.k8s.io/v1/resourceclaims", "ResourceClaim", true, [],
            true
        ),
        (
            "resource.k8s.io/v1/resourceclaimtemplates", "ResourceClaimTemplate", true, [],
            false
        ),
        (
            "resource.k8s.io/v1/resourceslices", "ResourceSlice", false, [],
            false
        ),
        (
            "scheduling.k8s.io/v1/priorityclasses", "PriorityClass", false, ["pc"],
            false
        ),
        (
            "storage.k8s.io/v1/csidrivers", "CSIDriver", false, [],
            false
        ),
        (
            "storage.k8s.io/v1/csinodes", "CSINode", false, [],
            false
        ),
        (
            "storage.k8s.io/v1/csistoragecapacities", "CSIStorageCapacity", true, [],
            false
        ),
        (
            "storage.k8s.io/v1/storageclasses", "StorageClass", false, ["sc"],
            false
        ),
        (
            "storage.k8s.io/v1/volumeattachments", "VolumeAttachment", false, [],
            true
        ),
        (
            "storage.k8s.io/v1/volumeattributesclasses", "VolumeAttributesClass", false, ["vac"],
            false
        ),
        ("/v1/configmaps", "ConfigMap", true, ["cm"], false), ("/v1/endpoints", "Endpoints", true, ["ep"], false),
        ("/v1/events", "Event", true, ["ev"], false), ("/v1/namespaces", "Namespace", false, ["ns"], true),
        ("/v1/nodes", "Node", false, ["no"], true), ("/v1/pods", "Pod", true, ["po"], true),
        ("/v1/secrets", "Secret", true, [], false), ("/v1/serviceaccounts", "ServiceAccount", true, ["sa"], false),
        ("/v1/services", "Service", true, ["svc"], true),
        (
            "apiextensions.k8s.io/v1/customresourcedefinitions", "CustomResourceDefinition", false, ["crd", "crds"],
            true
        ),
        ("coordination.k8s.io/v1/leases", "Lease", true, [], false),
        ("discovery.k8s.io/v1/endpointslices", "EndpointSlice", true, [], false),
        ("events.k8s.io/v1/events", "Event", true, ["ev"], false),
        ("networking.k8s.io/v1/ingressclasses", "IngressClass", false, [], false),
        ("networking.k8s.io/v1/ingresses", "Ingress", true, ["ing"], true),
        ("networking.k8s.io/v1/ipaddresses", "IPAddress", false, ["ip"], false),
        ("networking.k8s.io/v1/servicecidrs", "ServiceCIDR", false, [], true),
        ("/v1/persistentvolumeclaims", "PersistentVolumeClaim", true, ["pvc"], true),
        ("/v1/podtemplates", "PodTemplate", true, [], false),
        ("/v1/replicationcontrollers", "ReplicationController", true, ["rc"], true),
        ("apps/v1/controllerrevisions", "ControllerRevision", true, [], false),
        ("apps/v1/daemonsets", "DaemonSet", true, ["ds"], true),
        ("apps/v1/deployments", "Deployment", true, ["deploy"], true),
        ("apps/v1/replicasets", "ReplicaSet", true, ["rs"], true),
        ("apps/v1/statefulsets", "StatefulSet", true, ["sts"], true),
        ("autoscaling/v1/horizontalpodautoscalers", "HorizontalPodAutoscaler", true, ["hpa"], true),
        ("autoscaling/v2/horizontalpodautoscalers", "HorizontalPodAutoscaler", true, ["hpa"], true),
        ("batch/v1/cronjobs", "CronJob", true, ["cj"], true), ("batch/v1/jobs", "Job", true, [], true),
        ("networking.k8s.io/v1/networkpolicies", "NetworkPolicy", true, ["netpol"], false),
        ("policy/v1/poddisruptionbudgets", "PodDisruptionBudget", true, ["pdb"], true),
        ("rbac.authorization.k8s.io/v1/clusterroles", "ClusterRole", false, [], false),
        ("rbac.authorization.k8s.io/v1/clusterrolebindings", "ClusterRoleBinding", false, [], false),
        ("rbac.authorization.k8s.io/v1/roles", "Role", true, [], false),
        ("rbac.authorization.k8s.io/v1/rolebindings", "RoleBinding", true, [], false),
        ("metallb.io/v1beta1/bfdprofiles", "BFDProfile", true, [], true),
        ("metallb.io/v1beta1/bgpadvertisements", "BGPAdvertisement", true, [], true),
        ("metallb.io/v1beta1/communities", "Community", true, [], true),
        ("metallb.io/v1beta1/ipaddresspools", "IPAddressPool", true, [], true),
        ("metallb.io/v1beta1/l2advertisements", "L2Advertisement", true, [], true),
        ("metallb.io/v1beta1/servicebgpstatuses", "ServiceBGPStatus", true, [], true),
        ("metallb.io/v1beta1/servicel2statuses", "ServiceL2Status", true, [], true),
        ("metallb.io/v1beta1/bgppeers", "BGPPeer", true, [], true),
        ("metallb.io/v1beta2/bgppeers", "BGPPeer", true, [], true),
        ("traffic.martlet.dev/v1/addresspools", "AddressPool", false, ["pool"], true),
        ("traffic.martlet.dev/v1/healthchecks", "HealthCheck", true, ["hc"], true),
        ("traffic.martlet.dev/v1/routetables", "RouteTable", true, ["rt"], true),
    ]

    @Test func `every kind is served under its names`() {
        let served = registry.strategies.map(\.definition).map {
            ("\($0.group)/\($0.version)/\($0.plural)", $0.kind, $0.namespaced, $0.shortNames, $0.hasStatus)
        }.sorted { $0.0 < $1.0 }
        #expect(served.count == Self.expected.count)
        for (one, other) in zip(served, Self.expected.sorted { $0.path < $1.path }) { #expect(one == other) }
        for strategy in registry.strategies where strategy.definition.kind != "Endpoints" {
            #expect(strategy.definition.singular == strategy.definition.kind.lowercased())
        }
    }

    @Test func `every promised field selector has a value on an empty object`() {
        for strategy in registry.strategies {
            let fields = strategy.selectableFields(of: [:])
            for name in strategy.selectableFieldNames {
                #expect(fields[name] != nil, "\(strategy.definition.kind) \(name)")
            }
        }
    }

    @Test func `what people mean by all is part of it`() {
        #expect(
            registry.strategies.filter { $0.definition.categories == ["all"] }.map(\.definition.kind) == [
                "Pod", "ReplicationController", "Service", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet",
                "HorizontalPodAutoscaler", "HorizontalPodAutoscaler", "CronJob", "Job",
            ])
    }

    @Test func `ranges of one family twice are refused`() throws {
        let range = try #require(CIDR("10.0.0.0/16"))
        #expect(throws: AllocationRangeError.self) {
            try BuiltInResources.registry(ranges: AllocationRanges(serviceCIDRs: [range, range]))
        }
    }
}
