package import KubeModel

/// What this node tells its routers: sessions with their routes, and what of the configuration it does not follow.
package struct BGPPlan: Hashable, Sendable {
    /// Something in an object that is not followed, in a sentence for its author.
    package struct Complaint: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case peer
            case advertisement
        }

        package var kind: Kind
        package var object: NamespacedName
        package var message: String

        package init(_ kind: Kind, _ object: NamespacedName, _ message: String) {
            self.kind = kind
            self.object = object
            self.message = message
        }
    }

    /// A Service that this node announces.
    package struct Announced: Hashable, Sendable {
        package var service: NamespacedName
        /// Where its ServiceBGPStatus is: beside the advertisements.
        package var namespace: String
        /// Names of BGPPeers of that namespace, in ascending order.
        package var peers: [String]
    }

    /// By name.
    package var peers: [BGPPeerPlan] = []
    package var complaints: [Complaint] = []
    /// By Service, then by namespace.
    package var announced: [Announced] = []

    package init() {}
}
