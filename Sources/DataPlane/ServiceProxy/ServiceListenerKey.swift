package import NetworkTypes
package import TrafficModel

/// One address that the service proxy answers on.
package struct ServiceListenerKey: Hashable, Sendable, CustomStringConvertible {
    package var transport: TransportProtocol
    package var address: SocketAddress

    package init(transport: TransportProtocol, address: SocketAddress) {
        self.transport = transport
        self.address = address
    }

    package var description: String { "\(address)/\(transport.rawValue)" }
}
