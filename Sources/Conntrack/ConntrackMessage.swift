internal import Netlink
internal import NetworkTypes

/// The messages of ctnetlink (<linux/netfilter/nfnetlink_conntrack.h>).
enum ConntrackMessage {
    /// NFNL_SUBSYS_CTNETLINK << 8 with IPCTNL_MSG_CT_NEW, _GET and _DELETE.
    static let new: UInt16 = 0x100
    static let get: UInt16 = 0x101
    static let delete: UInt16 = 0x102

    private enum Attribute {
        static let original: UInt16 = 1
        static let reply: UInt16 = 2
        static let id: UInt16 = 12
        static let zone: UInt16 = 18
        static let filter: UInt16 = 25
        // In a tuple.
        static let addresses: UInt16 = 1
        static let ports: UInt16 = 2
        // In the addresses.
        static let sourceV4: UInt16 = 1
        static let destinationV4: UInt16 = 2
        static let sourceV6: UInt16 = 3
        static let destinationV6: UInt16 = 4
        // In the ports.
        static let transport: UInt16 = 1
        static let sourcePort: UInt16 = 2
        static let destinationPort: UInt16 = 3
        // In the filter.
        static let originalFlags: UInt16 = 1
        static let replyFlags: UInt16 = 2
    }

    /// The parts of a tuple that a filter compares (the kernel's CTA_FILTER_F_*).
    private enum Compared {
        static let destination: UInt32 = 1 << 1
        static let transport: UInt32 = 1 << 3
        static let destinationPort: UInt32 = 1 << 5
    }

    // MARK: Requests

    /// The body of a request for the flows that a filter matches.
    ///
    /// - Parameter isFiltered: leaves the kernel's filter away where false: it then tells of every flow of the family.
    static func list(_ filter: FlowFilter, isFiltered: Bool, _ writer: inout NetlinkWriter) {
        header(filter.family, &writer)
        guard isFiltered else { return }
        // Kernels up to 6.18 at least leave out of IPv6 the very flows whose address is the filter's
        // (`ctnetlink_filter_match_tuple` compares the wrong way round): there the port has to do.
        let isByAddress = filter.destination != nil && filter.family == .v4
        writer.nested(Attribute.original) { writer in
            if let destination = filter.destination, isByAddress {
                writer.nested(Attribute.addresses) { address(destination.ip, isSource: false, &$0) }
            }
            writer.nested(Attribute.ports) { writer in
                writer.attribute(Attribute.transport, host: filter.transport)
                if let destination = filter.destination {
                    writer.attribute(Attribute.destinationPort, bigEndian: destination.port.rawValue)
                }
            }
        }
        writer.nested(Attribute.filter) { writer in
            let flags =
                Compared.transport
                | (isByAddress ? Compared.destination : 0)
                | (filter.destination == nil ? 0 : Compared.destinationPort)
            writer.attribute(Attribute.originalFlags, host: flags)
        }
    }

    /// The body of a request to delete one flow, and no later one with the same addresses.
    static func delete(_ flow: Flow, _ writer: inout NetlinkWriter) {
        header(flow.original.destination.ip.family, &writer)
        writer.nested(Attribute.original) { writer in
            writer.nested(Attribute.addresses) { writer in
                address(flow.original.source.ip, isSource: true, &writer)
                address(flow.original.destination.ip, isSource: false, &writer)
            }
            writer.nested(Attribute.ports) { writer in
                writer.attribute(Attribute.transport, host: flow.original.transport)
                writer.attribute(Attribute.sourcePort, bigEndian: flow.original.source.port.rawValue)
                writer.attribute(Attribute.destinationPort, bigEndian: flow.original.destination.port.rawValue)
            }
        }
        writer.attribute(Attribute.id, bigEndian: flow.id)
        if flow.zone != 0 { writer.attribute(Attribute.zone, bigEndian: flow.zone) }
    }

    /// `struct nfgenmsg`.
    private static func header(_ family: IPFamily, _ writer: inout NetlinkWriter) {
        writer.append(UInt8(family == .v4 ? 2 : 10))
        writer.append(UInt8(0))
        writer.append(UInt16(0))
    }

    private static func address(_ ip: IPAddress, isSource: Bool, _ writer: inout NetlinkWriter) {
        let type: UInt16 =
            switch ip.family {
            case .v4: isSource ? Attribute.sourceV4 : Attribute.destinationV4
            case .v6: isSource ? Attribute.sourceV6 : Attribute.destinationV6
            }
        writer.attribute(type, ip.bytes)
    }

    // MARK: Answers

    /// Reads a flow; nil for one that has no ports (ICMP).
    static func flow(_ message: NetlinkMessage) throws(NetlinkError) -> Flow? {
        guard message.payload.count >= 4 else { throw .malformed("a flow of \(message.payload.count) bytes") }
        var (original, reply): (FlowTuple?, FlowTuple?)
        var (id, zone): (UInt32, UInt16) = (0, 0)
        var attributes = NetlinkAttributes(message.payload.dropFirst(4))
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Attribute.original: original = try tuple(attribute.attributes)
            case Attribute.reply: reply = try tuple(attribute.attributes)
            case Attribute.id: id = attribute.bigEndian(UInt32.self) ?? 0
            case Attribute.zone: zone = attribute.bigEndian(UInt16.self) ?? 0
            default: break
            }
        }
        guard let original, let reply else { return nil }
        return Flow(original: original, reply: reply, id: id, zone: zone)
    }

    private static func tuple(_ attributes: NetlinkAttributes) throws(NetlinkError) -> FlowTuple? {
        var (source, destination): (IPAddress?, IPAddress?)
        var (transport, sourcePort, destinationPort): (UInt8?, UInt16?, UInt16?)
        var parts = attributes
        while let part = try parts.next() {
            var inner = part.attributes
            switch part.type {
            case Attribute.addresses:
                while let value = try inner.next() {
                    switch value.type {
                    case Attribute.sourceV4, Attribute.sourceV6: source = IPAddress(bytes: value.payload)
                    case Attribute.destinationV4, Attribute.destinationV6:
                        destination = IPAddress(bytes: value.payload)
                    default: break
                    }
                }
            case Attribute.ports:
                while let value = try inner.next() {
                    switch value.type {
                    case Attribute.transport: transport = value.host(UInt8.self)
                    case Attribute.sourcePort: sourcePort = value.bigEndian(UInt16.self)
                    case Attribute.destinationPort: destinationPort = value.bigEndian(UInt16.self)
                    default: break
                    }
                }
            default: break
            }
        }
        guard let source, let destination, let transport, let sourcePort, let destinationPort else { return nil }
        return FlowTuple(
            transport: transport, source: SocketAddress(ip: source, port: Port(sourcePort)),
            destination: SocketAddress(ip: destination, port: Port(destinationPort)))
    }
}
