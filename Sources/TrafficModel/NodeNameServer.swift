package import NetworkTypes

/// Where a node's data plane answers DNS for the cluster, as its Node's annotation says: `10.0.0.5:53`, with the port of
/// `/metrics` on the same address where there is one, `10.0.0.5:53/9153`.
package struct NodeNameServer: Hashable, Sendable {
    package static let annotation = "traffic.martlet.dev/name-servers"
    /// The servers that the node's `--dns-upstream` names, which go before the Corefile's for everything.
    package static let upstreamsAnnotation = "traffic.martlet.dev/name-upstreams"
    /// Places that are read of one Node.
    static let limit = 8

    package var address: SocketAddress
    package var metricsPort: Port?

    package init(address: SocketAddress, metricsPort: Port? = nil) {
        self.address = address
        self.metricsPort = metricsPort
    }

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = SocketAddress(String(first)),
            !address.ip.isUnspecified, address.port.rawValue != 0
        else { return nil }
        self.address = address
        guard parts.count == 2 else { return }
        guard let port = UInt16(parts[1]), port != 0 else { return nil }
        metricsPort = Port(port)
    }

    /// What an annotation says; what is none of it is passed over.
    package static func list(_ text: String) -> [NodeNameServer] {
        text.split(separator: ",").prefix(limit).compactMap { NodeNameServer($0) }
    }

    package static func text(_ servers: [NodeNameServer]) -> String {
        servers.map(\.description).joined(separator: ",")
    }
}

extension NodeNameServer: CustomStringConvertible {
    package var description: String { metricsPort.map { "\(address)/\($0.rawValue)" } ?? "\(address)" }
}
