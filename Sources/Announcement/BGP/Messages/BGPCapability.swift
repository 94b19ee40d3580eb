/// What a speaker says in its OPEN that it can do (RFC 5492).
package enum BGPCapability: Hashable, Sendable {
    /// Routes of this family (RFC 4760).
    case multiprotocol(BGPAddressFamily)
    /// Sends its routes again when asked (RFC 2918).
    case routeRefresh
    /// Takes routes of these families over a next hop of another one (RFC 8950).
    case extendedNextHop([BGPExtendedNextHop])
    case gracefulRestart(BGPGracefulRestart)
    /// AS numbers of four octets, and the sender's own (RFC 6793).
    case fourOctetASN(UInt32)
    case unknown(code: UInt8, value: [UInt8])

    private static let multiprotocolCode: UInt8 = 1
    private static let routeRefreshCode: UInt8 = 2
    private static let extendedNextHopCode: UInt8 = 5
    private static let gracefulRestartCode: UInt8 = 64
    private static let fourOctetASNCode: UInt8 = 65

    /// Reads one capability. A value of a length that its code does not have is unknown rather than an error: what a
    /// peer says wrongly it can do is something it cannot do.
    init(code: UInt8, value: ArraySlice<UInt8>) {
        var reader = BGPReader(value)
        switch (code, value.count) {
        case (Self.multiprotocolCode, 4):
            if let afi = reader.uint16(), reader.byte() != nil, let safi = reader.byte() {
                self = .multiprotocol(BGPAddressFamily(afi: afi, safi: safi))
                return
            }
        case (Self.routeRefreshCode, 0):
            self = .routeRefresh
            return
        case (Self.extendedNextHopCode, let count) where count % 6 == 0:
            var hops: [BGPExtendedNextHop] = []
            while let afi = reader.uint16(), let safi = reader.uint16(), let hop = reader.uint16() {
                // The SAFI has two octets here, of which one is used.
                guard safi <= 255 else { continue }
                hops.append(.init(family: .init(afi: afi, safi: UInt8(safi)), nextHopAFI: hop))
            }
            self = .extendedNextHop(hops)
            return
        case (Self.gracefulRestartCode, let count) where count >= 2 && (count - 2) % 4 == 0:
            if let restart = BGPGracefulRestart(&reader) {
                self = .gracefulRestart(restart)
                return
            }
        case (Self.fourOctetASNCode, 4):
            if let asn = reader.uint32() {
                self = .fourOctetASN(asn)
                return
            }
        default: break
        }
        self = .unknown(code: code, value: Array(value))
    }

    /// Code, length, value.
    func encode(into writer: inout BGPWriter) {
        var value = BGPWriter()
        let code: UInt8
        switch self {
        case .multiprotocol(let family):
            code = Self.multiprotocolCode
            value.uint16(family.afi)
            value.byte(0)
            value.byte(family.safi)
        case .routeRefresh:
            code = Self.routeRefreshCode
        case .extendedNextHop(let hops):
            code = Self.extendedNextHopCode
            for hop in hops {
                value.uint16(hop.family.afi)
                value.uint16(UInt16(hop.family.safi))
                value.uint16(hop.nextHopAFI)
            }
        case .gracefulRestart(let restart):
            code = Self.gracefulRestartCode
            restart.encode(into: &value)
        case .fourOctetASN(let asn):
            code = Self.fourOctetASNCode
            value.uint32(asn)
        case .unknown(let unknown, let bytes):
            code = unknown
            value.append(bytes.prefix(255))
        }
        writer.byte(code)
        writer.byte(UInt8(value.bytes.count))
        writer.append(value.bytes)
    }
}

/// Routes of `family` may have a next hop of the address family `nextHopAFI` (RFC 8950, section 4).
package struct BGPExtendedNextHop: Hashable, Sendable {
    package var family: BGPAddressFamily
    package var nextHopAFI: UInt16

    package init(family: BGPAddressFamily, nextHopAFI: UInt16) {
        self.family = family
        self.nextHopAFI = nextHopAFI
    }

    package static let ipv4OverIPv6 = BGPExtendedNextHop(family: .ipv4Unicast, nextHopAFI: 2)
}

/// How a speaker restarts (RFC 4724, section 3).
package struct BGPGracefulRestart: Hashable, Sendable {
    /// A family whose routes are to be kept, and whether forwarding went on while the speaker was away.
    package struct Family: Hashable, Sendable {
        package var family: BGPAddressFamily
        package var isForwardingPreserved: Bool

        package init(_ family: BGPAddressFamily, isForwardingPreserved: Bool) {
            self.family = family
            self.isForwardingPreserved = isForwardingPreserved
        }
    }

    /// The sender has just restarted: the peer is not to wait for its End-of-RIB.
    package var isRestarting: Bool
    /// Seconds for which the peer keeps the routes of a speaker that is away: 0…4095.
    package var restartTime: UInt16
    package var families: [Family]

    package init(isRestarting: Bool, restartTime: UInt16, families: [Family]) {
        self.isRestarting = isRestarting
        self.restartTime = min(restartTime, 4095)
        self.families = families
    }

    init?(_ reader: inout BGPReader) {
        guard let head = reader.uint16() else { return nil }
        isRestarting = head & 0x8000 != 0
        restartTime = head & 0x0fff
        families = []
        while let afi = reader.uint16(), let safi = reader.byte(), let flags = reader.byte() {
            families.append(.init(.init(afi: afi, safi: safi), isForwardingPreserved: flags & 0x80 != 0))
        }
    }

    func encode(into writer: inout BGPWriter) {
        writer.uint16((isRestarting ? 0x8000 : 0) | restartTime)
        for family in families {
            writer.uint16(family.family.afi)
            writer.byte(family.family.safi)
            writer.byte(family.isForwardingPreserved ? 0x80 : 0)
        }
    }
}
