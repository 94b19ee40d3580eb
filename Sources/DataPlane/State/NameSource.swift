import TrafficModel

/// What the names of one Service are made of.
struct NameSource: Sendable {
    var service: ServiceEntry
    /// Its slices as they are: a headless Service has the ports of its slices.
    var slices: [EndpointSliceEntry]
}
