package import KubeModel
package import TrafficModel

/// What changed since the last batch, with the whole state at hand.
package struct EnforcementBatch: Sendable {
    package enum Extent: Hashable, Sendable {
        /// `changes` is what an enforcer that did the last batch has to do.
        case changes
        /// `changes` names every Service, and those that are gone since: nothing of what was in effect is to be
        /// trusted.
        case everything
    }

    package var extent: Extent
    /// This node as it is now. A batch in which its addresses changed names every Service.
    package var node: NodeIdentity
    /// Each Service once, in order of the keys. Endpoints come in every state, with readiness as the API and health
    /// checks see it: an enforcer chooses by `ServicePortEntry.usableEndpoints`.
    package var changes: [ServiceChange]
    /// All Services, at least as new as the batch. Taking it copies: for those who compile everything anew.
    package var services: @Sendable () -> [NamespacedName: ServiceEntry]

    package init(
        _ changes: [ServiceChange], extent: Extent = .changes, on node: NodeIdentity,
        services: @escaping @Sendable () -> [NamespacedName: ServiceEntry] = { [:] }
    ) {
        self.changes = changes
        self.extent = extent
        self.node = node
        self.services = services
    }
}
