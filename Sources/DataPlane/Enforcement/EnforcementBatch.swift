package import KubeModel
import NetworkTypes
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

    /// The batch for enforcers in the kernel, without node ports on `::1`: an answer from elsewhere to that address is thrown
    /// away, and IPv6 has nothing like `route_localnet`. kube-proxy leaves it out as well.
    var forKernel: EnforcementBatch {
        var batch = self
        batch.node.nodePortAddresses.removeAll { $0.isUnreachableInKernel }
        return batch
    }

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

extension IPAddress {
    /// Whether no kernel leads from this address to an endpoint elsewhere.
    var isUnreachableInKernel: Bool { family == .v6 && isLoopback }
}
