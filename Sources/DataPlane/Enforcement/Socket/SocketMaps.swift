import BPF
import NetworkTypes
import TrafficModel

/// The maps that our programs read, and how their entries look in bytes.
///
/// Addresses are 16 bytes, those of IPv4 as the IPv6 addresses that stand for them (RFC 4291, 2.5.5.2): a socket of either
/// family finds the same entry. Ports are in network order, other numbers in the machine's.
enum SocketMaps {
    /// How much there is room for.
    struct Room: Hashable {
        var frontends = 1 << 17
        /// Of all Services together. Each costs nothing until it is there, but for 16 bytes.
        var endpoints = 1 << 19
        /// What programs remember: the oldest is forgotten.
        var memories = 1 << 16
    }

    /// Address, port, transport → `Front`.
    static let frontends = "frontends"
    /// Row, number → endpoint.
    static let endpoints = "endpoints"
    /// Row, endpoint: what a memory may still lead to. Of rows that have memories only.
    static let members = "members"
    /// Network namespace, row → a client's endpoint, and when it was used last.
    static let sessions = "sessions"
    /// Socket → what it is connected to, and what its owner believes.
    static let peers = "peers"
    /// Socket cookie → the same, of UDP: for those who end such sockets. Whoever does not get into it is not led.
    static let connected = "connected"
    /// Socket cookie, address of a Service → the endpoint that its datagrams go to.
    static let flows = "flows"
    /// Socket cookie, endpoint → the address of a Service that its datagrams come from.
    static let senders = "senders"

    /// Those that follow the Services.
    static let followed = [frontends, endpoints, members]

    /// In the order in which they are made.
    static func all(_ room: Room) -> [BPFMap] {
        [
            BPFMap(frontends, .hash, key: 20, value: 16, capacity: room.frontends),
            BPFMap(endpoints, .hash, key: 8, value: 20, capacity: room.endpoints),
            BPFMap(members, .hash, key: 24, value: 4, capacity: room.endpoints),
            BPFMap(sessions, .forgetful, key: 16, value: 32, capacity: room.memories),
            BPFMap(peers, .socketStorage, key: 4, value: 40, capacity: 0),
            BPFMap(connected, .hash, key: 8, value: 40, capacity: room.memories),
            BPFMap(flows, .forgetful, key: 32, value: 20, capacity: room.memories),
            BPFMap(senders, .forgetful, key: 32, value: 20, capacity: room.memories),
        ]
    }

    // MARK: Bytes

    private static func bytes(_ ip: IPAddress) -> [UInt8] {
        ip.family == .v6 ? ip.bytes : [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + ip.bytes
    }

    private static func address(_ bytes: some Collection<UInt8>) -> SocketAddress? {
        let bytes = Array(bytes)
        guard bytes.count >= 18, let ip = IPAddress(bytes: bytes[..<16]) else { return nil }
        return SocketAddress(
            ip: ip.mappedV4 ?? ip, port: Port(UInt16(bytes[16]) << 8 | UInt16(bytes[17])))
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
    }

    /// Address and port: 18 bytes.
    static func bytes(_ address: SocketAddress) -> [UInt8] {
        let port = address.port.rawValue
        return bytes(address.ip) + [UInt8(port >> 8), UInt8(port & 0xff)]
    }

    static func key(_ key: FrontendKey) -> [UInt8] { bytes(key.address) + [key.transport.number, 0] }

    static func frontend(_ key: [UInt8]) -> FrontendKey? {
        guard key.count == 20, let address = address(key), let transport = TransportProtocol(number: key[18]) else {
            return nil
        }
        return FrontendKey(transport: transport, address: address)
    }

    static func value(_ front: SocketFront) -> [UInt8] {
        bytes(front.row) + bytes(front.count) + bytes(front.affinitySeconds) + bytes(front.isOfHostOnly ? 1 : 0)
    }

    static func front(_ value: [UInt8]) -> SocketFront? {
        guard value.count == 16 else { return nil }
        return SocketFront(
            row: number(value[0..<4]), count: number(value[4..<8]), affinitySeconds: number(value[8..<12]),
            isOfHostOnly: value[12] & 1 != 0)
    }

    static func slot(_ row: UInt32, _ number: Int) -> [UInt8] { bytes(row) + bytes(UInt32(number)) }

    static func slot(_ key: [UInt8]) -> (row: UInt32, number: Int)? {
        key.count == 8 ? (number(key[0..<4]), Int(number(key[4..<8]))) : nil
    }

    static func value(_ endpoint: SocketAddress) -> [UInt8] { bytes(endpoint) + [0, 0] }

    static func endpoint(_ value: [UInt8]) -> SocketAddress? { value.count == 20 ? address(value) : nil }

    /// What a socket believes: a value of `connected`.
    static func belief(_ value: [UInt8]) -> (endpoint: SocketAddress, service: SocketAddress)? {
        guard value.count == 40, let endpoint = address(value[..<20]), let service = address(value[20...]) else {
            return nil
        }
        return (endpoint, service)
    }

    static func member(_ row: UInt32, _ endpoint: SocketAddress) -> [UInt8] { bytes(row) + bytes(endpoint) + [0, 0] }

    static func member(_ key: [UInt8]) -> SocketMember? {
        guard key.count == 24, let endpoint = address(key[4...]) else { return nil }
        return SocketMember(row: number(key[0..<4]), endpoint: endpoint)
    }

    static let present: [UInt8] = [1, 0, 0, 0]
}

/// What stands at an address of a Service: `SocketMaps.frontends`.
struct SocketFront: Hashable {
    var row: UInt32
    /// How many endpoints the row has.
    var count: UInt32
    /// 0 without session affinity.
    var affinitySeconds: UInt32
    /// Whether it is for processes in this machine's own network namespace only.
    var isOfHostOnly: Bool
}

/// An endpoint that a row has: `SocketMaps.members`.
struct SocketMember: Hashable {
    var row: UInt32
    var endpoint: SocketAddress
}
