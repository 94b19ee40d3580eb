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
    /// Where an API server listens on this node, over TCP: no Service gets these addresses, since who can write a Service
    /// could keep the API server from its port.
    package var apiServers: Set<SocketAddress> = []

    package init(
        name: String, zone: String? = nil, nodePortAddresses: [IPAddress] = [], ownAddresses: Set<IPAddress> = []
    ) {
        self.name = name
        self.zone = zone
        self.nodePortAddresses = nodePortAddresses
        self.ownAddresses = ownAddresses
    }

    /// Which of this machine's sockets API servers with these addresses have. One that tells of an address of the network may
    /// listen on all of them.
    package static func apiServers(at endpoints: [SocketAddress], own: Set<IPAddress>) -> Set<SocketAddress> {
        var result: Set<SocketAddress> = []
        for endpoint in endpoints where own.contains(endpoint.ip) {
            let shared = endpoint.ip.isLoopback ? [endpoint.ip] : own.filter { $0.family == endpoint.ip.family }
            result.formUnion(shared.map { SocketAddress(ip: $0, port: endpoint.port) })
        }
        return result
    }

    /// Whether an endpoint runs on this node: it says so by its node's name or, where it names none (a registered
    /// process, a slice written by hand), by an address that is this machine's.
    package func isHome(of endpoint: ServiceEndpoint) -> Bool {
        if let nodeName = endpoint.nodeName, !nodeName.isEmpty { return nodeName == name }
        return ownAddresses.contains(endpoint.address.ip) || endpoint.address.ip.isLoopback
    }
}
