package import KubeModel
package import TrafficModel

/// What is kept of a Service.
package struct KeptService: KeptObject {
    package var metadata: ObjectMeta
    /// Without endpoints.
    package var entry: ServiceEntry

    package init(_ service: Service) {
        metadata = .identity(of: service.metadata)
        entry = ServiceEntry(service)
    }
}
