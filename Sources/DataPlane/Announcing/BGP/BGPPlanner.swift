package import KubeModel
package import NetworkTypes

/// Works out a node's ``BGPPlan`` from the objects of the API. Pure.
package struct BGPPlanner: Sendable {
    package var node: String
    package var nodeLabels: [String: String] = [:]
    /// The node's own addresses: the first of IPv4 is its BGP identifier.
    package var nodeAddresses: [IPAddress] = []
    /// Packets are forwarded while this process is away: Services are enforced in the kernel.
    package var isForwardingPreserved = true
    /// Why this node can announce nothing, if so.
    package var obstacle: String?
    package var peers: [NamespacedName: BGPPeer] = [:]
    package var advertisements: [NamespacedName: BGPAdvertisement] = [:]
    package var communities: [NamespacedName: Community] = [:]
    package var profiles: [NamespacedName: BFDProfile] = [:]
    /// Of Secrets of type `kubernetes.io/basic-auth`; without what nobody has looked for yet.
    package var passwords: [NamespacedName: BGPPassword] = [:]
    package var pools: [AnnouncementPlan.PoolReference: AnnouncedPool] = [:]

    package init(node: String) { self.node = node }

    package func plan(_ announcements: AnnouncementPlan) -> BGPPlan {
        var plan = BGPPlan()
        var sessions: [NamespacedName: BGPPeerPlan] = [:]
        for (key, peer) in peers.sorted(by: { $0.key < $1.key }) {
            switch session(key, peer) {
            case .success(let session):
                if let session { sessions[key] = session }
            case .failure(let refusal):
                plan.complaints.append(.init(.peer, key, refusal.message))
            }
        }
        route(announcements, to: &sessions, &plan)
        plan.peers = sessions.values.sorted { $0.name < $1.name }
        return plan
    }

    /// The Secrets that sessions of this node need.
    package var secrets: Set<NamespacedName> {
        Set(
            peers.compactMap { key, peer in
                guard let name = peer.spec?.passwordSecret?.name, !name.isEmpty, choosesNode(peer.spec?.nodeSelectors)
                else { return nil }
                return NamespacedName(namespace: key.namespace, name: name)
            })
    }

    /// Why an object is not followed.
    struct Refusal: Error, Hashable {
        var message: String

        init(_ message: String) { self.message = message }
    }

    /// Whether any selector, or the absence of all, chooses this node. A selector that cannot be understood chooses none.
    func choosesNode(_ selectors: [LabelSelector]?) -> Bool {
        guard let selectors, !selectors.isEmpty else { return true }
        return selectors.contains { selector in
            do {
                return try Selector(selector).matches(nodeLabels)
            } catch {
                return false
            }
        }
    }
}
