package import KubeModel

/// How `kubectl get` shows the built-in kinds: Kubernetes' own columns, in its order and wording.
///
/// Cells are computed for the wide form; clients hide columns whose priority is not zero.
package enum BuiltInTables {
    /// The columns of a built-in kind; nil for one that has none of its own.
    package static func columns(for definition: ResourceDefinition) -> TableColumns? {
        switch (definition.group, definition.kind) {
        case ("", "ComponentStatus"): componentStatuses
        case ("", "ConfigMap"): configMaps
        case ("", "Endpoints"): endpoints
        case ("", "Event"), ("events.k8s.io", "Event"): events
        case ("", "Namespace"): namespaces
        case ("", "Node"): nodes
        case ("", "PersistentVolumeClaim"): persistentVolumeClaims
        case ("", "Pod"): pods
        case ("", "PodTemplate"): podTemplates
        case ("", "ReplicationController"): replicaSets
        case ("", "Secret"): secrets
        case ("", "Service"): services
        case ("", "ServiceAccount"): serviceAccounts
        case ("apps", "ControllerRevision"): controllerRevisions
        case ("apps", "DaemonSet"): daemonSets
        case ("apps", "Deployment"): deployments
        case ("apps", "ReplicaSet"): replicaSets
        case ("apps", "StatefulSet"): statefulSets
        case ("autoscaling", "HorizontalPodAutoscaler"): autoscalers
        case ("batch", "CronJob"): cronJobs
        case ("batch", "Job"): jobs
        case ("coordination.k8s.io", "Lease"): leases
        case ("discovery.k8s.io", "EndpointSlice"): endpointSlices
        case ("networking.k8s.io", "Ingress"): ingresses
        case ("apiextensions.k8s.io", "CustomResourceDefinition"): customResourceDefinitions
        case ("networking.k8s.io", "IngressClass"): ingressClasses
        case ("networking.k8s.io", "IPAddress"): ipAddresses
        case ("networking.k8s.io", "ServiceCIDR"): serviceCIDRs
        case ("networking.k8s.io", "NetworkPolicy"): networkPolicies
        case ("policy", "PodDisruptionBudget"): disruptionBudgets
        case ("rbac.authorization.k8s.io", "ClusterRole"), ("rbac.authorization.k8s.io", "Role"): roles
        case ("rbac.authorization.k8s.io", "ClusterRoleBinding"), ("rbac.authorization.k8s.io", "RoleBinding"):
            roleBindings
        case ("", "LimitRange"): limitRanges
        case ("", "PersistentVolume"): persistentVolumes
        case ("", "ResourceQuota"): resourceQuotas
        case ("admissionregistration.k8s.io", let kind):
            switch kind {
            case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration": webhookConfigurations
            case "ValidatingAdmissionPolicy": validatingPolicies
            case "MutatingAdmissionPolicy": mutatingPolicies
            default: policyBindings
            }
        case ("apiregistration.k8s.io", "APIService"): apiServices
        case ("certificates.k8s.io", "CertificateSigningRequest"): signingRequests
        case ("flowcontrol.apiserver.k8s.io", "FlowSchema"): flowSchemas
        case ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): priorityLevels
        case ("node.k8s.io", "RuntimeClass"): runtimeClasses
        case ("resource.k8s.io", "ResourceClaim"): resourceClaims
        case ("resource.k8s.io", "ResourceSlice"): resourceSlices
        case ("scheduling.k8s.io", "PriorityClass"): priorityClasses
        case ("storage.k8s.io", "CSIDriver"): csiDrivers
        case ("storage.k8s.io", "CSINode"): csiNodes
        case ("storage.k8s.io", "CSIStorageCapacity"): storageCapacities
        case ("storage.k8s.io", "StorageClass"): storageClasses
        case ("storage.k8s.io", "VolumeAttachment"): volumeAttachments
        case ("storage.k8s.io", "VolumeAttributesClass"): volumeAttributesClasses
        case ("metallb.io", let kind): metalLB[kind]
        case ("traffic.martlet.dev", "AddressPool"): addressPools
        case ("traffic.martlet.dev", "HealthCheck"): healthChecks
        case ("traffic.martlet.dev", "RouteTable"): routeTables
        default: nil
        }
    }

    /// Builds a table of the name, `columns`, the age, and then `trailing`, most of which only the wide form shows.
    static func table(
        _ columns: [TableColumn], trailing: [TableColumn] = [],
        cells: @escaping @Sendable (TableCells) -> (leading: [JSONValue], trailing: [JSONValue])
    ) -> TableColumns {
        TableColumns([.name] + columns + [.age] + trailing) { object, now in
            let row = TableCells(object: object, now: now)
            let values = cells(row)
            return [row.name] + values.leading + [row.age] + values.trailing
        }
    }

    static func table(
        _ columns: [TableColumn], cells: @escaping @Sendable (TableCells) -> [JSONValue]
    ) -> TableColumns {
        table(columns) { (cells($0), []) }
    }
}

extension TableColumns {
    /// Name and age, for kinds that say nothing about themselves.
    package static let standard = BuiltInTables.table([]) { _ in [] }
}
