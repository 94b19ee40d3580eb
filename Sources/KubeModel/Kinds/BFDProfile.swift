/// How fast the loss of a BGP peer is noticed (RFC 5880) (metallb.io/v1beta1, as MetalLB defines it).
public struct BFDProfile: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "BFDProfile", plural: "bfdprofiles", singular: "bfdprofile",
        namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Timers and modes of the session.
    public var spec: BFDProfileSpec?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: BFDProfileSpec? = nil) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// Timers and modes of the session.
public struct BFDProfileSpec: Codable, Hashable, Sendable {
    /// Milliseconds between packets that can be received at least; absent means 300.
    public var receiveInterval: Int?
    /// Milliseconds between packets that are sent; absent means 300.
    public var transmitInterval: Int?
    /// Packets that may be missed; absent means 3.
    public var detectMultiplier: Int?
    /// Milliseconds between echo packets that can be handled; absent means 50.
    public var echoInterval: Int?
    /// Whether echo packets are sent.
    public var echoMode: Bool?
    /// Whether the session waits for the peer to begin.
    public var passiveMode: Bool?
    /// Lowest TTL of a packet over several hops; absent means 254.
    public var minimumTtl: Int?

    public init(
        receiveInterval: Int? = nil, transmitInterval: Int? = nil, detectMultiplier: Int? = nil,
        echoInterval: Int? = nil, echoMode: Bool? = nil, passiveMode: Bool? = nil, minimumTtl: Int? = nil
    ) {
        self.receiveInterval = receiveInterval
        self.transmitInterval = transmitInterval
        self.detectMultiplier = detectMultiplier
        self.echoInterval = echoInterval
        self.echoMode = echoMode
        self.passiveMode = passiveMode
        self.minimumTtl = minimumTtl
    }
}
