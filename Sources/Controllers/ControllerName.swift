/// The controllers, by the names that the command line takes.
package enum ControllerName: String, Hashable, Sendable, CaseIterable {
    /// Services with a selector → EndpointSlices and Endpoints; Endpoints without → EndpointSlices.
    case endpoints
    /// Pods with an address annotation → Pod status, with readiness probes.
    case podRegistration = "pod-registration"
    /// Services of type LoadBalancer → addresses from AddressPools.
    case loadBalancer = "load-balancer"
    /// Nodes whose data planes answer DNS → Service `kube-dns` and its EndpointSlices.
    case nameService = "name-service"
    /// HealthChecks → conditions of endpoints.
    case healthCheck = "health-check"
    /// Ingresses → RouteTables.
    case ingress
    /// Removes objects whose owners are gone.
    case garbageCollector = "garbage-collector"
    /// PodDisruptionBudgets → their status.
    case disruption
    /// Namespaces → ServiceAccount `default` and ConfigMap `kube-root-ca.crt`.
    case namespaceContent = "namespace-content"
    /// PersistentVolumeClaims and PersistentVolumes → gone when nobody uses them.
    case storageProtection = "storage-protection"
    /// Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs → a status that says that nothing runs them.
    case workload

    /// CertificateSigningRequests of nodes → certificates.
    case certificateSigning = "certificate-signing"
    /// Bootstrap tokens → their end; ConfigMap `cluster-info`.
    case bootstrapToken = "bootstrap-token"
    /// Leases of nodes → their conditions and taints, those of their Pods, and what they said to announce.
    case nodeLifecycle = "node-lifecycle"

    /// One line for `--help`.
    package var summary: String {
        switch self {
        case .endpoints: "EndpointSlices and Endpoints of Services"
        case .podRegistration: "status and readiness of Pods that name their address by annotation"
        case .nameService: "Service kube-dns and its EndpointSlices, of the nodes that answer DNS"
        case .loadBalancer: "addresses of Services of type LoadBalancer from AddressPools"
        case .healthCheck: "endpoints that fail a HealthCheck are taken out until they pass"
        case .ingress: "RouteTables and status of the Ingresses of one controller name"
        case .disruption: "status of PodDisruptionBudgets, so that evictions under a budget end"
        case .namespaceContent: "ServiceAccount default and ConfigMap kube-root-ca.crt in every namespace"
        case .storageProtection: "removal of PersistentVolumeClaims and PersistentVolumes once nobody uses them"
        case .workload: "status of workloads: that nothing runs them"
        case .certificateSigning: "certificates for machines that join, and their renewal"
        case .bootstrapToken: "removal of expired bootstrap tokens; ConfigMap cluster-info"
        case .nodeLifecycle: "nodes that fall silent: their conditions, taints, endpoints and announcements"
        case .garbageCollector: "removal of objects whose owners are gone; foreground and orphaning deletion"
        }
    }
}
