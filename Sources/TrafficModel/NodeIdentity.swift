package import NetworkTypes

/// A node as traffic sees it: who it is, and which addresses are its own.
package struct NodeIdentity: Hashable, Sendable {
    package var name: String
    /// Its `topology.kubernetes.io/zone`; nil where it has none, or that is not known.
    package var zone: String?
    /// The addresses that node ports are served on; an unspecified address (0.0.0.0, ::) means all of its family.
    package var nodePortAddresses: [IPAddress]
    /// The addresses of the node's interfaces.
    package var ownAddresses: Set<IPAddress>

    package init(
        name: String, zone: String? = nil, nodePortAddresses: [IPAddress] = [], ownAddresses: Set<IPAddress> = []
    ) {
        self.name = name
        self.zone = zone
        self.nodePortAddresses = nodePortAddresses
        self.ownAddresses = ownAddresses
    }

    /// Whether an endpoint runs on this node: it says so by its node's name or, where it names none (a registered
    /// process, a slice written by hand), by an address that is this machine's.
    package func isHome(of endpoint: ServiceEndpoint) -> Bool {
        if let nodeName = endpoint.nodeName, !nodeName.isEmpty { return nodeName == name }
        return ownAddresses.contains(endpoint.address.ip) || endpoint.address.ip.isLoopback
    }
}
