package import NetworkTypes
import TrafficModel

/// The flows that a change makes wrong although nobody closed them.
///
/// UDP has no connections: a kernel that tracks flows, or a relay that holds a socket for each, keeps sending a client
/// to the endpoint it had first, for as long as the client goes on. TCP needs nothing of the kind: an endpoint that is
/// gone breaks its connections itself.
package enum StaleFlows: Hashable, Sendable {
    case none
    /// Those to endpoints that no longer stand behind the address.
    case toEndpoints(Set<SocketAddress>)
    /// All flows of the address: it is gone, or had no endpoint so far, so that flows were recorded as leading nowhere.
    case all

    package init(_ change: FrontendPlanner.Change) {
        guard change.key.transport == .udp else {
            self = .none
            return
        }
        switch change {
        case .remove: self = .all
        case .set(_, let after, let before):
            guard let before, !before.endpoints.isEmpty, !after.endpoints.isEmpty else {
                self = before?.endpoints == after.endpoints ? .none : .all
                return
            }
            // What the guard no longer admits must not go on under an older flow.
            if before.sourceRanges != after.sourceRanges {
                self = .all
                return
            }
            let gone = Set(before.endpoints).subtracting(after.endpoints)
            self = gone.isEmpty ? .none : .toEndpoints(gone)
        }
    }
}
