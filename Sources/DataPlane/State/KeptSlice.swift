package import KubeModel
package import TrafficModel

/// What is kept of an EndpointSlice.
package struct KeptSlice: KeptObject {
    package var metadata: ObjectMeta
    /// Nil when it says nothing about where to connect.
    package var entry: EndpointSliceEntry?

    package init(_ slice: EndpointSlice) {
        metadata = .identity(of: slice.metadata)
        entry = EndpointSliceEntry(slice)
    }
}
