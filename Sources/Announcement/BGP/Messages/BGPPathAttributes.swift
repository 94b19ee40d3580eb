package import NetworkTypes

/// What an UPDATE says of the routes in it (RFC 4271, section 5), as far as we send or check it.
package struct BGPPathAttributes: Hashable, Sendable {
    package enum Origin: UInt8, Hashable, Sendable {
        case igp = 0
        case egp = 1
        case incomplete = 2
    }

    package enum Segment: Hashable, Sendable {
        case set([UInt32])
        case sequence([UInt32])
    }

    package var origin: Origin?
    /// nil: the attribute is missing, which only a withdrawal may be. A route of one's own to a neighbour within the AS
    /// has an empty path.
    package var asPath: [Segment]?
    /// The next hop of the IPv4 routes in the message's own fields.
    package var nextHop: IPAddress?
    package var localPreference: UInt32?
    package var communities: [BGPCommunity] = []
    package var largeCommunities: [BGPLargeCommunity] = []
    /// Routes of other families, and of IPv4 over a next hop of IPv6.
    package var reachable: Reachable?
    package var unreachable: Unreachable?

    /// MP_REACH_NLRI (RFC 4760, section 3).
    package struct Reachable: Hashable, Sendable {
        package var family: BGPAddressFamily
        /// 4, 16 or 32 bytes for the families that we speak: IPv4, IPv6, or IPv6 with a link-local one behind it (RFC 2545).
        package var nextHop: [UInt8]
        /// Empty for families that we do not speak.
        package var prefixes: [CIDR]

        package init(family: BGPAddressFamily, nextHop: [UInt8], prefixes: [CIDR]) {
            self.family = family
            self.nextHop = nextHop
            self.prefixes = prefixes
        }
    }

    /// MP_UNREACH_NLRI (RFC 4760, section 4); without prefixes it is the End-of-RIB marker of its family.
    package struct Unreachable: Hashable, Sendable {
        package var family: BGPAddressFamily
        package var prefixes: [CIDR]

        package init(family: BGPAddressFamily, prefixes: [CIDR]) {
            self.family = family
            self.prefixes = prefixes
        }
    }

    package init() {}

    /// The kinds that we know, by their code.
    enum Kind: UInt8 {
        case origin = 1
        case asPath = 2
        case nextHop = 3
        case multiExitDiscriminator = 4
        case localPreference = 5
        case atomicAggregate = 6
        case aggregator = 7
        case communities = 8
        case originatorID = 9
        case clusterList = 10
        case reachable = 14
        case unreachable = 15
        case extendedCommunities = 16
        case as4Path = 17
        case as4Aggregator = 18
        case ipv6ExtendedCommunities = 25
        case largeCommunities = 32

        /// What the optional (0x80) and transitive (0x40) bits must be.
        var flags: UInt8 {
            switch self {
            case .origin, .asPath, .nextHop, .localPreference, .atomicAggregate: 0x40
            case .multiExitDiscriminator, .originatorID, .clusterList, .reachable, .unreachable: 0x80
            case .aggregator, .communities, .extendedCommunities, .as4Path, .as4Aggregator,
                .ipv6ExtendedCommunities, .largeCommunities:
                0xc0
            }
        }
    }
}
