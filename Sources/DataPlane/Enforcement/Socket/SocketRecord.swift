import Conntrack
import Netlink
import NetworkTypes
import TrafficModel

/// What the kernel tells of a socket, and how it is named to it: `struct inet_diag_msg` and `struct inet_diag_sockid` of
/// <linux/inet_diag.h>.
struct SocketRecord {
    /// SOCK_DIAG_BY_FAMILY.
    static let listing: UInt16 = 20
    /// SOCK_DESTROY.
    static let ending: UInt16 = 21

    private static let udp = FlowTuple.udp
    /// 1 << TCP_ESTABLISHED: for UDP, connected.
    private static let connected: UInt32 = 1 << 1
    /// The socket's ports, addresses, interface and number.
    private static let nameSize = 48
    private static let size = 72

    private let family: UInt8
    private let name: ArraySlice<UInt8>
    let local: SocketAddress
    let remote: SocketAddress
    /// The socket's number, as programs have it.
    var cookie: [UInt8] { Array(name.suffix(8)) }

    /// Nil where it is of neither family.
    init?(_ payload: ArraySlice<UInt8>) throws(NetlinkError) {
        guard payload.count >= Self.size else { throw .malformed("a socket of \(payload.count) bytes") }
        let start = payload.startIndex
        family = payload[start]
        let name = payload[(start + 4)..<(start + 4 + Self.nameSize)]
        self.name = name
        guard family == 2 || family == 10 else { return nil }
        func address(_ place: Int, port: Int) -> SocketAddress? {
            let first = name.startIndex + place
            guard let ip = IPAddress(bytes: name[first..<first + (payload[start] == 2 ? 4 : 16)]) else { return nil }
            let high = name[name.startIndex + port]
            let number = UInt16(high) << 8 | UInt16(name[name.startIndex + port + 1])
            return SocketAddress(ip: ip.mappedV4 ?? ip, port: Port(number))
        }
        guard let local = address(4, port: 0), let remote = address(20, port: 2) else { return nil }
        (self.local, self.remote) = (local, remote)
    }

    /// From here to the Service, with answers from the endpoint; nil where it was not led to what it is connected to.
    ///
    /// - Parameter note: what our programs noted of it.
    func flow(_ note: [UInt8]) -> Flow? {
        guard let belief = SocketMaps.belief(note), belief.endpoint == remote else { return nil }
        return Flow(
            original: FlowTuple(transport: Self.udp, source: local, destination: belief.service),
            reply: FlowTuple(transport: Self.udp, source: remote, destination: local))
    }

    // MARK: Requests

    /// Asks for the UDP sockets that are connected.
    static func list(_ family: IPFamily, _ writer: inout NetlinkWriter) {
        head(family == .v4 ? 2 : 10, &writer)
        writer.append(contentsOf: [UInt8](repeating: 0, count: nameSize))
    }

    func end(_ writer: inout NetlinkWriter) {
        Self.head(family, &writer)
        writer.append(contentsOf: name)
    }

    /// `struct inet_diag_req_v2` up to the socket's name.
    private static func head(_ family: UInt8, _ writer: inout NetlinkWriter) {
        writer.append(family)
        writer.append(udp)
        writer.append(UInt16(0))
        writer.append(connected)
    }
}
