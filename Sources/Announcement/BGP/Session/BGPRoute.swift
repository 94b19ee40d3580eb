/// What is said of a prefix that is announced.
package struct BGPRoute: Hashable, Sendable {
    /// Sent to peers of our own AS alone.
    package var localPreference: UInt32?
    /// In ascending order, each once.
    package private(set) var communities: [BGPCommunity]
    /// In ascending order, each once.
    package private(set) var largeCommunities: [BGPLargeCommunity]

    package init(
        localPreference: UInt32? = nil, communities: some Sequence<BGPCommunity> = [],
        largeCommunities: some Sequence<BGPLargeCommunity> = []
    ) {
        self.localPreference = localPreference
        self.communities = Set(communities).sorted()
        self.largeCommunities = Set(largeCommunities).sorted()
    }

    /// The bytes of communities that an UPDATE has room for, with a prefix and everything else.
    package static let maximumCommunityBytes = 3_800

    /// Whether an UPDATE has room for its communities.
    package var fits: Bool { communities.count * 4 + largeCommunities.count * 12 <= Self.maximumCommunityBytes }

    /// What two advertisements together say of one prefix: all communities, the higher preference.
    package func merged(with other: BGPRoute) -> BGPRoute {
        BGPRoute(
            localPreference: [localPreference, other.localPreference].compactMap(\.self).max(),
            communities: communities + other.communities, largeCommunities: largeCommunities + other.largeCommunities)
    }
}
