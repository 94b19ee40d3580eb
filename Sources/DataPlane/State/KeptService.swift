package import KubeModel
package import TrafficModel

/// What is kept of a Service.
package struct KeptService: KeptObject {
    package var identity: KeptIdentity
    /// Without endpoints.
    package var entry: ServiceEntry
    /// Of one with load-balancer addresses alone: what announces them may select by labels.
    package var labels: [String: String]

    package init(_ service: Service) {
        identity = KeptIdentity(service.metadata)
        entry = ServiceEntry(service)
        labels = entry.loadBalancerIPs.isEmpty ? [:] : service.metadata.labels ?? [:]
    }
}
