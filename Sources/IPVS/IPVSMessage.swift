internal import Netlink
internal import NetworkTypes

/// Messages of the family `IPVS` (<linux/ip_vs.h>). Ports are in network order, all other integers in this machine's.
enum IPVSMessage {
    static let family = "IPVS"

    private enum Command: UInt8 {
        case newService = 1
        case setService, deleteService, getService, newDestination, setDestination, deleteDestination, getDestination
    }

    private enum Envelope {
        static let service: UInt16 = 1
        static let destination: UInt16 = 2
    }

    private enum Service {
        static let family: UInt16 = 1
        static let transport: UInt16 = 2
        static let address: UInt16 = 3
        static let port: UInt16 = 4
        static let mark: UInt16 = 5
        static let scheduler: UInt16 = 6
        static let flags: UInt16 = 7
        static let timeout: UInt16 = 8
        static let mask: UInt16 = 9
    }

    private enum Destination {
        static let address: UInt16 = 1
        static let port: UInt16 = 2
        static let forwarding: UInt16 = 3
        static let weight: UInt16 = 4
        static let upperThreshold: UInt16 = 5
        static let lowerThreshold: UInt16 = 6
        static let active: UInt16 = 7
        static let inactive: UInt16 = 8
        static let family: UInt16 = 11
    }

    /// Network address translation (IP_VS_CONN_F_MASQ).
    private static let translation: UInt32 = 0

    // MARK: Requests

    /// What follows netlink's header.
    static func write(_ change: IPVSChange, _ writer: inout NetlinkWriter) {
        switch change {
        case .addServer(let server): write(.newService, server.key, &writer) { write(server, &$0) }
        case .changeServer(let server): write(.setService, server.key, &writer) { write(server, &$0) }
        case .removeServer(let key): write(.deleteService, key, &writer)
        case .addReal(let real, let key):
            write(.newDestination, key, &writer)
            write(real, &writer)
        case .changeReal(let real, let key):
            write(.setDestination, key, &writer)
            write(real, &writer)
        case .removeReal(let address, let key):
            write(.deleteDestination, key, &writer)
            writer.nested(Envelope.destination) { write(address, &$0) }
        }
    }

    /// The question for all virtual servers.
    static func list(_ writer: inout NetlinkWriter) {
        GenericNetlink.header(command: Command.getService.rawValue, version: 1, &writer)
    }

    /// The question for the real servers of one.
    static func listReals(of key: VirtualServer.Key, _ writer: inout NetlinkWriter) {
        write(.getDestination, key, &writer)
    }

    private static func write(
        _ command: Command, _ key: VirtualServer.Key, _ writer: inout NetlinkWriter,
        more: (inout NetlinkWriter) -> Void = { _ in }
    ) {
        GenericNetlink.header(command: command.rawValue, version: 1, &writer)
        writer.nested(Envelope.service) { writer in
            writer.attribute(Service.family, host: UInt16(number(key.address.ip.family)))
            writer.attribute(Service.transport, host: UInt16(key.transport))
            writer.attribute(Service.address, padded(key.address.ip))
            writer.attribute(Service.port, bigEndian: key.address.port.rawValue)
            more(&writer)
        }
    }

    private static func write(_ server: VirtualServer, _ writer: inout NetlinkWriter) {
        writer.attribute(Service.scheduler, text: server.scheduler.rawValue)
        // struct ip_vs_flags: the flags, and which of them are meant.
        let flags = writer.beginAttribute(Service.flags)
        writer.append(server.flags.rawValue)
        writer.append(UInt32.max)
        writer.endAttribute(flags)
        writer.attribute(Service.timeout, host: server.persistence)
        // Each client by itself: a mask of IPv4, a length of IPv6.
        writer.attribute(Service.mask, host: server.key.address.ip.family == .v4 ? UInt32.max : 128)
    }

    private static func write(_ real: RealServer, _ writer: inout NetlinkWriter) {
        writer.nested(Envelope.destination) { writer in
            write(real.address, &writer)
            writer.attribute(Destination.forwarding, host: translation)
            writer.attribute(Destination.weight, host: real.weight)
            writer.attribute(Destination.upperThreshold, host: UInt32(0))
            writer.attribute(Destination.lowerThreshold, host: UInt32(0))
        }
    }

    private static func write(_ address: SocketAddress, _ writer: inout NetlinkWriter) {
        writer.attribute(Destination.address, padded(address.ip))
        writer.attribute(Destination.port, bigEndian: address.port.rawValue)
        writer.attribute(Destination.family, host: UInt16(number(address.ip.family)))
    }

    /// `union nf_inet_addr`: 16 bytes for both families.
    private static func padded(_ address: IPAddress) -> [UInt8] {
        let bytes = Array(address.bytes)
        return bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }

    private static func number(_ family: IPFamily) -> UInt8 { family == .v4 ? 2 : 10 }

    // MARK: Answers

    /// The virtual server that a message of a listing tells of; nil for one by a firewall mark.
    static func server(_ message: NetlinkMessage) throws(NetlinkError) -> VirtualServer? {
        guard let service = try GenericNetlink.read(message).attributes.first(Envelope.service)?.attributes else {
            throw .malformed("a virtual server without attributes")
        }
        guard try service.first(Service.mark)?.host(UInt32.self) ?? 0 == 0 else { return nil }
        guard let transport = try service.first(Service.transport)?.host(UInt16.self),
            let address = try address(
                service.first(Service.address), service.first(Service.port), service.first(Service.family)),
            let scheduler = try service.first(Service.scheduler)?.text,
            let flags = try service.first(Service.flags)?.payload, flags.count >= 4
        else { throw .malformed("a virtual server without its address") }
        let bits = flags.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        return VirtualServer(
            key: .init(transport: UInt8(truncatingIfNeeded: transport), address: address),
            scheduler: IPVSScheduler(rawValue: scheduler),
            flags: VirtualServer.Flags(rawValue: bits).subtracting(.hashed),
            persistence: try service.first(Service.timeout)?.host(UInt32.self) ?? 0)
    }

    /// The real server that a message of a listing tells of.
    static func real(_ message: NetlinkMessage, family: IPFamily) throws(NetlinkError) -> RealServer.Standing {
        guard let real = try GenericNetlink.read(message).attributes.first(Envelope.destination)?.attributes,
            let address = try address(
                real.first(Destination.address), real.first(Destination.port), real.first(Destination.family),
                otherwise: family),
            let weight = try real.first(Destination.weight)?.host(UInt32.self)
        else { throw .malformed("a real server without its address") }
        return RealServer.Standing(
            RealServer(address, weight: weight),
            active: try real.first(Destination.active)?.host(UInt32.self) ?? 0,
            inactive: try real.first(Destination.inactive)?.host(UInt32.self) ?? 0)
    }

    /// Nil where something is missing, or of no known family.
    private static func address(
        _ ip: NetlinkAttribute?, _ port: NetlinkAttribute?, _ family: NetlinkAttribute?, otherwise: IPFamily? = nil
    ) -> SocketAddress? {
        let known: IPFamily? =
            switch family?.host(UInt16.self) {
            case 2: .v4
            case 10: .v6
            default: otherwise
            }
        guard let known, let ip, ip.payload.count >= 16, let port = port?.bigEndian(UInt16.self),
            let address = IPAddress(bytes: ip.payload.prefix(known == .v4 ? 4 : 16))
        else { return nil }
        return SocketAddress(ip: address, port: Port(port))
    }
}
