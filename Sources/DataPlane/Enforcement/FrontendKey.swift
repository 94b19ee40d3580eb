package import NetworkTypes
package import TrafficModel

/// One address of a Service: where clients send to.
package struct FrontendKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var address: SocketAddress
    package var transport: TransportProtocol

    package init(transport: TransportProtocol, address: SocketAddress) {
        self.address = address
        self.transport = transport
    }

    package var description: String { "\(address)/\(transport.rawValue)" }

    /// By address, then by transport.
    package static func < (left: FrontendKey, right: FrontendKey) -> Bool {
        left.address == right.address
            ? left.transport.rawValue < right.transport.rawValue : left.address < right.address
    }
}
