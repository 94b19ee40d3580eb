package import KubeModel
package import TrafficModel

/// What is kept of an EndpointSlice.
package struct KeptSlice: KeptObject {
    package var identity: KeptIdentity
    /// Nil when it says nothing about where to connect.
    package var entry: EndpointSliceEntry?
    /// When the change happened that this state answers, in microseconds since 1970; nil where it says nothing of that.
    package var trigger: Int64?

    /// Written by whoever computes slices (Kubernetes SLI "network programming latency").
    private static let triggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time"

    package init(_ slice: EndpointSlice) {
        identity = KeptIdentity(slice.metadata)
        entry = EndpointSliceEntry(slice)
        trigger = slice.metadata.annotations?[Self.triggerAnnotation].flatMap { MicroTime($0) }?.microsecondsSinceEpoch
    }
}
