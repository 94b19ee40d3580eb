package import KubeModel
package import TrafficModel

/// What is kept of a Service.
package struct KeptService: KeptObject {
    package var metadata: ObjectMeta
    /// Without endpoints.
    package var entry: ServiceEntry
    /// Of one with load-balancer addresses alone: what announces them may select by labels.
    package var labels: [String: String]

    package init(_ service: Service) {
        metadata = .identity(of: service.metadata)
        entry = ServiceEntry(service)
        labels = entry.loadBalancerIPs.isEmpty ? [:] : service.metadata.labels ?? [:]
    }
}
