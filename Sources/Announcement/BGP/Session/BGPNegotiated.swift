package import NetworkTypes

/// What both sides of a session agreed on in their OPENs.
package struct BGPNegotiated: Hashable, Sendable {
    package var peerASN: UInt32
    package var peerIdentifier: UInt32
    package var isInternal: Bool
    /// Seconds; 0: no keepalives, and the peer may be silent for ever.
    package var holdTime: UInt16
    package var fourOctetASN: Bool
    package var families: Set<IPFamily>
    /// IPv4 routes may go over our IPv6 address (RFC 8950).
    package var extendedNextHop: Bool
    /// What the peer says of its own restarts; that it says something at all is why it is sent End-of-RIB markers.
    package var gracefulRestart: BGPGracefulRestart?

    /// - Throws: why the peer's OPEN is refused.
    init(_ configuration: BGPSessionConfiguration, _ open: BGPOpen) throws(BGPNotification) {
        let asn = open.asn
        guard asn != 0, configuration.peerASN.accepts(asn, local: configuration.localASN) else { throw .badPeerAS }
        isInternal = asn == configuration.localASN
        // RFC 6286, section 2.2.
        guard open.identifier != 0, !isInternal || open.identifier != configuration.identifier else {
            throw .badIdentifier
        }
        guard open.holdTime == 0 || open.holdTime >= 3 else { throw .unacceptableHoldTime }
        let offered = open.families
        families = configuration.families.filter { offered.contains(.init(unicast: $0)) }
        guard !families.isEmpty else {
            var wanted = BGPWriter()
            for family in configuration.families {
                BGPCapability.multiprotocol(.init(unicast: family)).encode(into: &wanted)
            }
            throw BGPNotification(code: 2, subcode: 7, data: wanted.bytes)
        }
        peerASN = asn
        peerIdentifier = open.identifier
        holdTime = min(open.holdTime, configuration.holdTime)
        fourOctetASN = open.hasFourOctetASN
        extendedNextHop = families.contains(.v4) && open.takes(.ipv4OverIPv6)
        gracefulRestart = open.gracefulRestart
    }
}
