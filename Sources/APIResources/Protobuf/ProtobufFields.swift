package import KubeModel
import Patching

/// Field numbers and types of the messages that clients may send as protobuf: facts of the Kubernetes API
/// (`generated.proto` of each group).
///
/// Each line is a message and its fields, `name:number:type`. Types: `s` string, `b` bool, `i` integer, `y` bytes,
/// `t` Time, `u` MicroTime, `p` IntOrString, `q` Quantity, `raw` JSON within bytes, `ms`, `my`, `mq` and `mt` maps of
/// strings to strings, bytes, Quantities or Times, `ls` a message that only holds strings, a list in JSON, `mls` a map of
/// those, `d` double, `orBool`, `orArray` and `orStrings` a JSON schema or something else, `m` before a message's name a map of such messages, else a message.
/// Before the type: `*` repeated, `?` a pointer in Go, whose zero value is kept, `+` a message whose fields belong to the
/// enclosing one in JSON.
package enum ProtobufFields {
    enum Shape: Sendable, Hashable {
        case string, bool, integer, bytes, time, microTime, intOrString, quantity, json, strings, double
        /// A JSONSchemaProps, or something else.
        case schemaOr(SchemaAlternative)
        case message(String)
        indirect case map(Shape)
    }

    enum SchemaAlternative: Sendable, Hashable {
        case bool, array, strings
    }

    struct Field: Sendable, Hashable {
        let name: String
        let shape: Shape
        var isRepeated = false
        var isPointer = false
        var isInline = false

        /// Whether Go leaves its zero value out of JSON: structs are always written, and pointers unless they are nil.
        var vanishesAtZero: Bool {
            if isRepeated { return true }
            switch shape {
            case .map: return true
            case .string, .bool, .integer, .bytes, .double: return !isPointer
            case .time, .microTime, .intOrString, .quantity, .json, .strings, .schemaOr, .message: return false
            }
        }

        /// The message in it, in a list of it or in a map.
        var inner: String? {
            switch shape {
            case .message(let name), .map(.message(let name)): name
            default: nil
            }
        }
    }

    static let messages: [String: [UInt64: Field]] = parse([
        table, podTable, workloadTable, policyTable, admissionTable, accessTable, storageTable, deviceTable,
        definitionTable, discoveryTable,
    ])

    /// A field as an encoder looks it up: by its name in JSON.
    struct NumberedField: Sendable {
        let number: UInt64
        let shape: Shape
        let isRepeated: Bool
        /// Where it belongs when it is a field of an inlined message: that message, and its number in this one.
        var inline: (number: UInt64, message: String)?
    }

    /// The fields of each message by their names in JSON, those of inlined messages among them.
    static let byName: [String: [String: NumberedField]] = messages.mapValues { fields in
        var result: [String: NumberedField] = [:]
        func add(_ fields: [UInt64: Field], _ inline: (number: UInt64, message: String)?) {
            for (number, field) in fields {
                if field.isInline, case .message(let name) = field.shape {
                    // An inlined message within an inlined one is reached through the outer.
                    add(messages[name] ?? [:], inline ?? (number, name))
                } else {
                    result[field.name] = NumberedField(
                        number: number, shape: field.shape, isRepeated: field.isRepeated, inline: inline)
                }
            }
        }
        add(fields, nil)
        return result
    }

    /// The same facts for those who read documents: a message is what Go calls a struct. An empty list of `managedFields`
    /// stays until it is read: by it a client says that nobody owns anything.
    package static let structs = GoStructs { kind in
        kinds["\(kind.apiVersion)/\(kind.kind)"]
    } members: { name in
        var result: [String: GoStructs.Member] = [:]
        func add(_ message: String) {
            for field in (messages[message] ?? [:]).values {
                if field.isInline, case .message(let inner) = field.shape {
                    add(inner)
                } else {
                    result[field.name] = GoStructs.Member(
                        isValue: field.vanishesAtZero && field.name != "managedFields", inner: field.inner)
                }
            }
        }
        add(name)
        return result
    }

    /// The message of a kind, by `apiVersion/Kind`.
    package static let kinds: [String: String] = [
        "v1/ConfigMap": "ConfigMap", "v1/Secret": "Secret", "v1/Namespace": "Namespace",
        "v1/ServiceAccount": "ServiceAccount", "v1/Service": "Service", "v1/Endpoints": "Endpoints",
        "v1/Event": "Event", "events.k8s.io/v1/Event": "EventsEvent", "coordination.k8s.io/v1/Lease": "Lease",
        "discovery.k8s.io/v1/EndpointSlice": "EndpointSlice", "networking.k8s.io/v1/Ingress": "Ingress",
        "networking.k8s.io/v1/IngressClass": "IngressClass", "networking.k8s.io/v1/NetworkPolicy": "NetworkPolicy",
        "v1/Pod": "Pod", "v1/PodTemplate": "PodTemplate", "v1/Node": "Node",
        "v1/ReplicationController": "ReplicationController", "v1/PersistentVolumeClaim": "PersistentVolumeClaim",
        "apps/v1/Deployment": "Deployment", "apps/v1/ReplicaSet": "ReplicaSet", "apps/v1/DaemonSet": "DaemonSet",
        "apps/v1/StatefulSet": "StatefulSet", "apps/v1/ControllerRevision": "ControllerRevision",
        "batch/v1/Job": "Job", "batch/v1/CronJob": "CronJob", "policy/v1/PodDisruptionBudget": "PodDisruptionBudget",
        "policy/v1/Eviction": "Eviction", "autoscaling/v1/Scale": "Scale",
        "autoscaling/v1/HorizontalPodAutoscaler": "HorizontalPodAutoscalerV1",
        "autoscaling/v2/HorizontalPodAutoscaler": "HorizontalPodAutoscaler",
        "rbac.authorization.k8s.io/v1/Role": "Role", "rbac.authorization.k8s.io/v1/ClusterRole": "ClusterRole",
        "rbac.authorization.k8s.io/v1/RoleBinding": "RoleBinding",
        "rbac.authorization.k8s.io/v1/ClusterRoleBinding": "ClusterRoleBinding",
        "apiextensions.k8s.io/v1/CustomResourceDefinition": "CustomResourceDefinition",
        "networking.k8s.io/v1/IPAddress": "IPAddress", "networking.k8s.io/v1/ServiceCIDR": "ServiceCIDR",
        "v1/LimitRange": "LimitRange", "v1/ResourceQuota": "ResourceQuota", "v1/PersistentVolume": "PersistentVolume",
        "v1/Binding": "Binding", "v1/ComponentStatus": "ComponentStatus",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy": "MutatingAdmissionPolicy",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding": "MutatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration": "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy": "ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding": "ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration": "ValidatingWebhookConfiguration",
        "apiregistration.k8s.io/v1/APIService": "APIService",
        "authentication.k8s.io/v1/SelfSubjectReview": "SelfSubjectReview",
        "authentication.k8s.io/v1/TokenRequest": "TokenRequest",
        "authentication.k8s.io/v1/TokenReview": "TokenReview",
        "authorization.k8s.io/v1/LocalSubjectAccessReview": "LocalSubjectAccessReview",
        "authorization.k8s.io/v1/SelfSubjectAccessReview": "SelfSubjectAccessReview",
        "authorization.k8s.io/v1/SelfSubjectRulesReview": "SelfSubjectRulesReview",
        "authorization.k8s.io/v1/SubjectAccessReview": "SubjectAccessReview",
        "certificates.k8s.io/v1/CertificateSigningRequest": "CertificateSigningRequest",
        "flowcontrol.apiserver.k8s.io/v1/FlowSchema": "FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration": "PriorityLevelConfiguration",
        "node.k8s.io/v1/RuntimeClass": "RuntimeClass",
        "resource.k8s.io/v1/DeviceClass": "DeviceClass",
        "resource.k8s.io/v1/ResourceClaim": "DeviceResourceClaim",
        "resource.k8s.io/v1/ResourceClaimTemplate": "ResourceClaimTemplate",
        "resource.k8s.io/v1/ResourceSlice": "ResourceSlice",
        "scheduling.k8s.io/v1/PriorityClass": "PriorityClass",
        "storage.k8s.io/v1/CSIDriver": "CSIDriver", "storage.k8s.io/v1/CSINode": "CSINode",
        "storage.k8s.io/v1/CSIStorageCapacity": "CSIStorageCapacity",
        "storage.k8s.io/v1/StorageClass": "StorageClass",
        "storage.k8s.io/v1/VolumeAttachment": "VolumeAttachment",
        "storage.k8s.io/v1/VolumeAttributesClass": "VolumeAttributesClass",
    ]

    /// The message of a kind that every group and version has.
    static let shared: [String: String] = Dictionary(
        uniqueKeysWithValues: [
            "APIGroup", "APIGroupDiscoveryList", "APIGroupList", "APIResourceList", "APIVersions",
            "PartialObjectMetadata", "PartialObjectMetadataList", "Status",
        ].map { ($0, $0) })

    private static func parse(_ tables: [String]) -> [String: [UInt64: Field]] {
        var messages: [String: [UInt64: Field]] = [:]
        for line in tables.flatMap({ $0.split(separator: "\n") }) {
            let words = line.split(separator: " ")
            guard let name = words.first else { continue }
            messages[String(name), default: [:]] = messages[String(name)] ?? [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: ":")
                guard parts.count == 3, let number = UInt64(parts[1]) else { continue }
                messages[String(name), default: [:]][number] = field(String(parts[0]), parts[2])
            }
        }
        return messages
    }

    private static func field(_ name: String, _ type: Substring) -> Field {
        var type = type
        let mark = type.first ?? " "
        if "*?+".contains(mark) { type.removeFirst() }
        let shape = shape(type)
        return Field(name: name, shape: shape, isRepeated: mark == "*", isPointer: mark == "?", isInline: mark == "+")
    }

    private static func shape(_ type: Substring) -> Shape {
        switch type {
        case "s": .string
        case "b": .bool
        case "i": .integer
        case "y": .bytes
        case "t": .time
        case "u": .microTime
        case "p": .intOrString
        case "q": .quantity
        case "raw": .json
        case "ls": .strings
        case "d": .double
        case "orBool": .schemaOr(.bool)
        case "orArray": .schemaOr(.array)
        case "orStrings": .schemaOr(.strings)
        case "morStrings": .map(.schemaOr(.strings))
        case "ms", "my", "mq", "mt", "mls": .map(shape(type.dropFirst()))
        case _ where type.first == "m": .map(.message(String(type.dropFirst())))
        default: .message(String(type))
        }
    }

    private static let table = """
        Unknown typeMeta:1:TypeMeta raw:2:y contentEncoding:3:s contentType:4:s
        TypeMeta apiVersion:1:s kind:2:s
        ObjectMeta name:1:s generateName:2:s namespace:3:s selfLink:4:s uid:5:s resourceVersion:6:s generation:7:i \
        creationTimestamp:8:t deletionTimestamp:9:?t deletionGracePeriodSeconds:10:?i labels:11:ms annotations:12:ms \
        ownerReferences:13:*OwnerReference finalizers:14:*s managedFields:17:*ManagedFieldsEntry
        ManagedFieldsEntry manager:1:s operation:2:s apiVersion:3:s time:4:t fieldsType:6:s fieldsV1:7:raw \
        subresource:8:s
        OwnerReference kind:1:s name:3:s uid:4:s apiVersion:5:s controller:6:?b blockOwnerDeletion:7:?b
        ObjectReference kind:1:s namespace:2:s name:3:s uid:4:s apiVersion:5:s resourceVersion:6:s fieldPath:7:s
        LocalObjectReference name:1:s
        Condition type:1:s status:2:s observedGeneration:3:i lastTransitionTime:4:t reason:5:s message:6:s
        DeleteOptions gracePeriodSeconds:1:?i preconditions:2:?Preconditions orphanDependents:3:?b \
        propagationPolicy:4:?s dryRun:5:*s
        Preconditions uid:1:?s resourceVersion:2:?s
        ConfigMap metadata:1:ObjectMeta data:2:ms binaryData:3:my immutable:4:?b
        Secret metadata:1:ObjectMeta data:2:my type:3:s stringData:4:ms immutable:5:?b
        Namespace metadata:1:ObjectMeta spec:2:NamespaceSpec status:3:NamespaceStatus
        NamespaceSpec finalizers:1:*s
        NamespaceStatus phase:1:s conditions:2:*NamespaceCondition
        NamespaceCondition type:1:s status:2:s lastTransitionTime:4:t reason:5:s message:6:s
        ServiceAccount metadata:1:ObjectMeta secrets:2:*ObjectReference imagePullSecrets:3:*LocalObjectReference \
        automountServiceAccountToken:4:?b
        Service metadata:1:ObjectMeta spec:2:ServiceSpec status:3:ServiceStatus
        ServiceSpec ports:1:*ServicePort selector:2:ms clusterIP:3:s type:4:s externalIPs:5:*s sessionAffinity:7:s \
        loadBalancerIP:8:s loadBalancerSourceRanges:9:*s externalName:10:s externalTrafficPolicy:11:s \
        healthCheckNodePort:12:i publishNotReadyAddresses:13:b sessionAffinityConfig:14:?SessionAffinityConfig \
        ipFamilyPolicy:17:?s clusterIPs:18:*s ipFamilies:19:*s allocateLoadBalancerNodePorts:20:?b \
        loadBalancerClass:21:?s internalTrafficPolicy:22:?s trafficDistribution:23:?s
        ServicePort name:1:s protocol:2:s port:3:i targetPort:4:p nodePort:5:i appProtocol:6:?s
        SessionAffinityConfig clientIP:1:?ClientIPConfig
        ClientIPConfig timeoutSeconds:1:?i
        ServiceStatus loadBalancer:1:LoadBalancerStatus conditions:2:*Condition
        LoadBalancerStatus ingress:1:*LoadBalancerIngress
        LoadBalancerIngress ip:1:s hostname:2:s ipMode:3:?s ports:4:*PortStatus
        PortStatus port:1:i protocol:2:s error:3:?s
        Endpoints metadata:1:ObjectMeta subsets:2:*EndpointSubset
        EndpointSubset addresses:1:*EndpointAddress notReadyAddresses:2:*EndpointAddress ports:3:*EndpointsPort
        EndpointAddress ip:1:s targetRef:2:?ObjectReference hostname:3:s nodeName:4:?s
        EndpointsPort name:1:s port:2:i protocol:3:s appProtocol:4:?s
        Event metadata:1:ObjectMeta involvedObject:2:ObjectReference reason:3:s message:4:s source:5:EventSource \
        firstTimestamp:6:t lastTimestamp:7:t count:8:i type:9:s eventTime:10:u series:11:?EventSeries action:12:s \
        related:13:?ObjectReference reportingComponent:14:s reportingInstance:15:s
        EventSource component:1:s host:2:s
        EventSeries count:1:i lastObservedTime:2:u
        EventsEvent metadata:1:ObjectMeta eventTime:2:u series:3:?EventSeries reportingController:4:s \
        reportingInstance:5:s action:6:s reason:7:s regarding:8:ObjectReference related:9:?ObjectReference note:10:s \
        type:11:s deprecatedSource:12:EventSource deprecatedFirstTimestamp:13:t deprecatedLastTimestamp:14:t \
        deprecatedCount:15:i
        Lease metadata:1:ObjectMeta spec:2:LeaseSpec
        LeaseSpec holderIdentity:1:?s leaseDurationSeconds:2:?i acquireTime:3:?u renewTime:4:?u leaseTransitions:5:?i \
        strategy:6:?s preferredHolder:7:?s
        EndpointSlice metadata:1:ObjectMeta endpoints:2:*Endpoint ports:3:*EndpointPort addressType:4:s
        Endpoint addresses:1:*s conditions:2:EndpointConditions hostname:3:?s targetRef:4:?ObjectReference \
        deprecatedTopology:5:ms nodeName:6:?s zone:7:?s hints:8:?EndpointHints
        EndpointConditions ready:1:?b serving:2:?b terminating:3:?b
        EndpointHints forZones:1:*Named forNodes:2:*Named
        Named name:1:s
        EndpointPort name:1:?s protocol:2:?s port:3:?i appProtocol:4:?s
        Ingress metadata:1:ObjectMeta spec:2:IngressSpec status:3:IngressStatus
        IngressSpec defaultBackend:1:?IngressBackend tls:2:*IngressTLS rules:3:*IngressRule ingressClassName:4:?s
        IngressBackend resource:3:?TypedLocalObjectReference service:4:?IngressServiceBackend
        TypedLocalObjectReference apiGroup:1:?s kind:2:s name:3:s
        IngressServiceBackend name:1:s port:2:ServiceBackendPort
        ServiceBackendPort name:1:s number:2:i
        IngressTLS hosts:1:*s secretName:2:s
        IngressRule host:1:s ingressRuleValue:2:+IngressRuleValue
        IngressRuleValue http:1:?HTTPIngressRuleValue
        HTTPIngressRuleValue paths:1:*HTTPIngressPath
        HTTPIngressPath path:1:s backend:2:IngressBackend pathType:3:?s
        IngressStatus loadBalancer:1:IngressLoadBalancerStatus
        IngressLoadBalancerStatus ingress:1:*IngressLoadBalancerIngress
        IngressLoadBalancerIngress ip:1:s hostname:2:s ports:4:*PortStatus
        IngressClass metadata:1:ObjectMeta spec:2:IngressClassSpec
        IngressClassSpec controller:1:s parameters:2:?IngressClassParametersReference
        IngressClassParametersReference apiGroup:1:?s kind:2:s name:3:s scope:4:?s namespace:5:?s
        """
}
