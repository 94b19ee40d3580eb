package import KubeModel
package import TrafficModel

/// What is kept of a Service.
package struct KeptService: KeptObject {
    private final class Content: Sendable {
        let entry: ServiceEntry
        let labels: [String: String]

        init(_ entry: ServiceEntry, _ labels: [String: String]) {
            self.entry = entry
            self.labels = labels
        }
    }

    package var identity: KeptIdentity
    private var content: Content?

    /// Without endpoints; nil once it was forgotten.
    package var entry: ServiceEntry? { content?.entry }
    /// Of one with load-balancer addresses alone: what announces them may select by labels.
    package var labels: [String: String] { content?.labels ?? [:] }

    package init(_ service: Service) {
        identity = KeptIdentity(service.metadata)
        let entry = ServiceEntry(service)
        content = Content(entry, entry.loadBalancerIPs.isEmpty ? [:] : service.metadata.labels ?? [:])
    }

    /// Keeps no more than who it is: the tables have the rest, with the endpoints.
    package mutating func forgetContent() { content = nil }
}
