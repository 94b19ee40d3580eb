import Conntrack
package import TrafficModel

extension TransportProtocol {
    /// The IP protocol's number.
    package var number: UInt8 {
        switch self {
        case .tcp: FlowTuple.tcp
        case .udp: FlowTuple.udp
        case .sctp: FlowTuple.sctp
        }
    }

    package init?(number: UInt8) {
        guard let match = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = match
    }
}
