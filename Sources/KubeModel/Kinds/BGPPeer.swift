/// A router that nodes announce addresses to (metallb.io/v1beta2, as MetalLB defines it).
public struct BGPPeer: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta2", kind: "BGPPeer", plural: "bgppeers", singular: "bgppeer",
        namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The router and the session with it.
    public var spec: BGPPeerSpec?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: BGPPeerSpec? = nil) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// The router and the session with it.
public struct BGPPeerSpec: Codable, Hashable, Sendable {
    /// AS number of our side.
    public var myASN: Int64?
    /// AS number that this peer is shown instead.
    public var localASN: Int64?
    /// AS number of the peer; 0 and absent mean that `dynamicASN` says.
    public var peerASN: Int64?
    /// `internal` or `external`: takes our own AS number only, or any other.
    public var dynamicASN: String?
    /// Address of the peer; absent with `interface`.
    public var peerAddress: String?
    /// Network interface whose only neighbour is the peer.
    public var interface: String?
    /// Address that the session is opened from.
    public var sourceAddress: String?
    /// Port of the peer; absent means 179.
    public var peerPort: Int?
    /// A Go duration: 0, or at least 3s.
    public var holdTime: String?
    /// A Go duration; absent means a third of `holdTime`.
    public var keepaliveTime: String?
    /// A Go duration of whole seconds between attempts to connect.
    public var connectTime: String?
    /// BGP identifier of our side.
    public var routerID: String?
    /// Nodes that open the session; absent or empty means all.
    public var nodeSelectors: [LabelSelector]?
    /// Password of TCP MD5 signatures (RFC 2385).
    public var password: String?
    /// Where the password is, instead.
    public var passwordSecret: PasswordSecret?
    /// Name of a ``BFDProfile`` of the same namespace; absent means no BFD.
    public var bfdProfile: String?
    /// Whether routes stay while the session is opened anew (RFC 4724).
    public var enableGracefulRestart: Bool?
    /// Whether the peer is more than one hop away.
    public var ebgpMultiHop: Bool?
    /// VRF of the node that the session is opened in.
    public var vrf: String?
    /// Whether a session carries only routes of its own address family.
    public var disableMP: Bool?
    /// Whether a session carries routes of both address families.
    public var dualStackAddressFamily: Bool?

    public init(
        myASN: Int64? = nil, localASN: Int64? = nil, peerASN: Int64? = nil, dynamicASN: String? = nil,
        peerAddress: String? = nil, interface: String? = nil, sourceAddress: String? = nil, peerPort: Int? = nil,
        holdTime: String? = nil, keepaliveTime: String? = nil, connectTime: String? = nil, routerID: String? = nil,
        nodeSelectors: [LabelSelector]? = nil, password: String? = nil, passwordSecret: PasswordSecret? = nil,
        bfdProfile: String? = nil, enableGracefulRestart: Bool? = nil, ebgpMultiHop: Bool? = nil, vrf: String? = nil,
        disableMP: Bool? = nil, dualStackAddressFamily: Bool? = nil
    ) {
        self.myASN = myASN
        self.localASN = localASN
        self.peerASN = peerASN
        self.dynamicASN = dynamicASN
        self.peerAddress = peerAddress
        self.interface = interface
        self.sourceAddress = sourceAddress
        self.peerPort = peerPort
        self.holdTime = holdTime
        self.keepaliveTime = keepaliveTime
        self.connectTime = connectTime
        self.routerID = routerID
        self.nodeSelectors = nodeSelectors
        self.password = password
        self.passwordSecret = passwordSecret
        self.bfdProfile = bfdProfile
        self.enableGracefulRestart = enableGracefulRestart
        self.ebgpMultiHop = ebgpMultiHop
        self.vrf = vrf
        self.disableMP = disableMP
        self.dualStackAddressFamily = dualStackAddressFamily
    }
}

/// A Secret of type `kubernetes.io/basic-auth`, whose key `password` has the password.
public struct PasswordSecret: Codable, Hashable, Sendable {
    /// Name of the Secret.
    public var name: String?
    /// Absent, or the namespace of the peer: no other Secret is read.
    public var namespace: String?

    public init(name: String? = nil, namespace: String? = nil) {
        self.name = name
        self.namespace = namespace
    }
}
