package import NetworkTypes

/// One direction of a flow: who sends to whom, by which protocol.
package struct FlowTuple: Hashable, Sendable, CustomStringConvertible {
    /// The IP protocol's number: 6, 17, 132.
    package var transport: UInt8
    package var source: SocketAddress
    package var destination: SocketAddress

    package init(transport: UInt8, source: SocketAddress, destination: SocketAddress) {
        self.transport = transport
        self.source = source
        self.destination = destination
    }

    package var description: String { "\(source) → \(destination), protocol \(transport)" }

    package static let tcp: UInt8 = 6
    package static let udp: UInt8 = 17
    package static let sctp: UInt8 = 132
}
