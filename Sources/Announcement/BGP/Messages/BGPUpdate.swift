package import NetworkTypes

/// Routes that are withdrawn, and routes that are announced with what is said of them (RFC 4271, section 4.3).
package struct BGPUpdate: Hashable, Sendable {
    /// IPv4 routes in the message's own field.
    package var withdrawn: [CIDR] = []
    package var attributes = BGPPathAttributes()
    /// IPv4 routes in the message's own field.
    package var announced: [CIDR] = []

    package init() {}

    /// The message that says that all routes of the family have been sent (RFC 4724, section 2).
    package static func endOfRIB(_ family: BGPAddressFamily) -> BGPUpdate {
        var update = BGPUpdate()
        if family != .ipv4Unicast { update.attributes.unreachable = .init(family: family, prefixes: []) }
        return update
    }

    func encode(into writer: inout BGPWriter, fourOctetASN: Bool) {
        var routes = BGPWriter()
        for prefix in withdrawn { routes.prefix(prefix) }
        var attributes = BGPWriter()
        self.attributes.encode(into: &attributes, fourOctetASN: fourOctetASN)
        writer.uint16(UInt16(routes.bytes.count))
        writer.append(routes.bytes)
        writer.uint16(UInt16(attributes.bytes.count))
        writer.append(attributes.bytes)
        for prefix in announced { writer.prefix(prefix) }
    }
}
