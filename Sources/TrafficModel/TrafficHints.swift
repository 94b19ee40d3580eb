/// How close the endpoints are to be that traffic under the `Cluster` policy chooses from.
///
/// Hints are advice for nodes about single endpoints (EndpointSlice, `hints`); they count only where they leave nobody
/// without an endpoint (KEP-2433, KEP-3015, as Kubernetes 1.36 has them).
enum TrafficHints {
    /// The ready endpoints of those that a node should use: those hinted for it when every one has a node hint and one is
    /// for this node; else those hinted for its zone under the same conditions; else all.
    ///
    /// - Parameter ready: ready endpoints of one port and one address family.
    static func close(_ ready: [ServiceEndpoint], to node: NodeIdentity) -> [ServiceEndpoint] {
        if let same = hinted(ready, for: node.name, by: \.nodeHints) { return same }
        if let zone = node.zone, let same = hinted(ready, for: zone, by: \.zoneHints) { return same }
        return ready
    }

    private static func hinted(
        _ endpoints: [ServiceEndpoint], for name: String, by hints: KeyPath<ServiceEndpoint, [String]>
    ) -> [ServiceEndpoint]? {
        guard !name.isEmpty, endpoints.allSatisfy({ !$0[keyPath: hints].isEmpty }) else { return nil }
        let same = endpoints.filter { $0[keyPath: hints].contains(name) }
        return same.isEmpty ? nil : same
    }
}
