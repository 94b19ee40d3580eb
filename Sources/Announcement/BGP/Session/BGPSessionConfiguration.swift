package import NetworkTypes

/// One side of a session: who we are, whom we expect, and the times.
package struct BGPSessionConfiguration: Hashable, Sendable {
    /// Which AS number the peer must have.
    package enum PeerASN: Hashable, Sendable {
        case number(UInt32)
        /// Ours, whatever the peer's address.
        case same
        /// Any but ours.
        case other

        func accepts(_ asn: UInt32, local: UInt32) -> Bool {
            switch self {
            case .number(let number): asn == number
            case .same: asn == local
            case .other: asn != local && asn != 0
            }
        }
    }

    package struct GracefulRestart: Hashable, Sendable {
        /// Seconds for which the peer keeps our routes while we are away: 0…4095.
        package var restartTime: UInt16
        /// Packets for our routes are forwarded while we are away: what forwards them is not this process.
        package var isForwardingPreserved: Bool

        package init(restartTime: UInt16, isForwardingPreserved: Bool) {
            self.restartTime = restartTime
            self.isForwardingPreserved = isForwardingPreserved
        }
    }

    package var localASN: UInt32
    package var peerASN: PeerASN
    /// Not 0.
    package var identifier: UInt32
    /// Seconds; 0, or at least 3.
    package var holdTime: UInt16 = 90
    /// Seconds between keepalives; nil, and where it is longer: a third of the hold time that both sides agree on.
    package var keepaliveTime: UInt16?
    /// Seconds between tries to connect; nil: a second after the first failure, doubled up to half a minute.
    package var connectTime: UInt16?
    /// Families whose routes are announced.
    package var families: Set<IPFamily> = [.v4, .v6]
    package var gracefulRestart: GracefulRestart?

    package init(localASN: UInt32, peerASN: PeerASN, identifier: UInt32) {
        self.localASN = localASN
        self.peerASN = peerASN
        self.identifier = identifier
    }

    /// What our OPEN says; `isRestarting` as in ``BGPGracefulRestart/isRestarting``.
    func open(isRestarting: Bool) -> BGPOpen {
        let offered = IPFamily.allCases.filter(families.contains).map(BGPAddressFamily.init(unicast:))
        var capabilities = offered.map(BGPCapability.multiprotocol)
        capabilities.append(.routeRefresh)
        if families.contains(.v4) { capabilities.append(.extendedNextHop([.ipv4OverIPv6])) }
        if let gracefulRestart {
            capabilities.append(
                .gracefulRestart(
                    BGPGracefulRestart(
                        isRestarting: isRestarting, restartTime: gracefulRestart.restartTime,
                        families: offered.map {
                            .init($0, isForwardingPreserved: gracefulRestart.isForwardingPreserved)
                        })))
        }
        return BGPOpen(asn: localASN, holdTime: holdTime, identifier: identifier, capabilities: capabilities)
    }
}
