package import NetworkTypes

/// Which flows are meant: those of one protocol, and where it says so, those whose first packet went to an address.
package struct FlowFilter: Hashable, Sendable {
    package var family: IPFamily
    /// The IP protocol's number.
    package var transport: UInt8
    /// Where the one who began the flow sends.
    package var destination: SocketAddress?

    package init(family: IPFamily, transport: UInt8) {
        self.family = family
        self.transport = transport
    }

    package init(transport: UInt8, destination: SocketAddress) {
        family = destination.ip.family
        self.transport = transport
        self.destination = destination
    }

    package func matches(_ flow: Flow) -> Bool {
        flow.original.transport == transport && flow.original.destination.ip.family == family
            && (destination == nil || flow.original.destination == destination)
    }
}
