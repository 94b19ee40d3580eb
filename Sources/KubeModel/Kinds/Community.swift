/// Names for BGP communities (metallb.io/v1beta1, as MetalLB defines it).
public struct Community: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "Community", plural: "communities", singular: "community",
        namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The names and what they stand for.
    public var spec: CommunitySpec?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: CommunitySpec? = nil) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// The names and what they stand for.
public struct CommunitySpec: Codable, Hashable, Sendable {
    /// The names.
    public var communities: [CommunityAlias]?

    public init(communities: [CommunityAlias]? = nil) {
        self.communities = communities
    }
}

/// A name for a community.
public struct CommunityAlias: Codable, Hashable, Sendable {
    /// What BGPAdvertisements say.
    public var name: String?
    /// `65000:100` or `large:64512:1:2`.
    public var value: String?

    public init(name: String? = nil, value: String? = nil) {
        self.name = name
        self.value = value
    }
}
