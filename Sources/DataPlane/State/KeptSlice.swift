package import KubeModel
package import TrafficModel

/// What is kept of an EndpointSlice.
package struct KeptSlice: KeptObject {
    private final class Content: Sendable {
        let entry: EndpointSliceEntry?
        let trigger: Int64?

        init(_ entry: EndpointSliceEntry?, _ trigger: Int64?) {
            self.entry = entry
            self.trigger = trigger
        }
    }

    package var identity: KeptIdentity
    private var serviceName: String?
    private var content: Content?

    /// Nil when it says nothing about where to connect, and once it was forgotten.
    package var entry: EndpointSliceEntry? { content?.entry }
    /// When the change happened that this state answers, in microseconds since 1970; nil where it says nothing of that.
    package var trigger: Int64? { content?.trigger }

    /// Whose endpoints it has; nil when it says nothing about where to connect.
    package var service: NamespacedName? {
        serviceName.map { NamespacedName(namespace: identity.key.namespace, name: $0) }
    }

    /// Written by whoever computes slices (Kubernetes SLI "network programming latency").
    private static let triggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time"

    package init(_ slice: EndpointSlice) {
        identity = KeptIdentity(slice.metadata)
        let entry = EndpointSliceEntry(slice)
        serviceName = entry?.service.name
        content = Content(
            entry,
            slice.metadata.annotations?[Self.triggerAnnotation].flatMap { MicroTime($0) }?.microsecondsSinceEpoch)
    }

    /// Keeps no more than who it is, and whose: the tables have the rest.
    package mutating func forgetContent() { content = nil }
}
