/// A step of a rule. Steps run in order and share the registers; one that does not match ends its rule.
package enum NFExpression: Hashable, Sendable {
    package enum Header: UInt32, Hashable, Sendable {
        case network = 1
        case transport = 2
    }

    package enum Meta: UInt32, Hashable, Sendable {
        case mark = 3
        case inputInterface = 4
        case outputInterface = 5
        /// NFPROTO_IPV4 (2) or NFPROTO_IPV6 (10), one byte.
        case networkProtocol = 15
        /// IPPROTO_*, one byte.
        case transportProtocol = 16
    }

    package enum Conntrack: UInt32, Hashable, Sendable {
        case state = 0
        case status = 2
        case mark = 3
        case sourcePort = 11
        case destinationPort = 12
        case sourceIPv4 = 19
        case destinationIPv4 = 20
        case sourceIPv6 = 21
        case destinationIPv6 = 22

        /// Whether it differs between the directions of a connection.
        var hasDirection: Bool { rawValue >= 11 }
    }

    package enum Update: UInt32, Hashable, Sendable {
        case add = 0
        /// Adds, or makes the timeout begin anew.
        case update = 1
        case delete = 2
    }

    package enum Refusal: Hashable, Sendable {
        case tcpReset
        /// ICMP or ICMPv6 "port unreachable".
        case portUnreachable
    }

    /// The mark of the socket here that the packet belongs to. Does not match where there is none.
    case socketMark(into: NFRegister)
    /// The packet is none of a tracked connection's, from here on. Before connections are looked for only.
    case untrack
    case payload(Header, offset: UInt32, length: UInt32, into: NFRegister)
    case meta(Meta, into: NFRegister)
    case setMeta(Meta, from: NFRegister)
    /// Of the packet that began the connection, where the directions differ.
    case conntrack(Conntrack, into: NFRegister)
    case setConntrack(Conntrack, from: NFRegister)
    case equal(NFRegister, NFValue)
    case unequal(NFRegister, NFValue)
    case mask(NFRegister, with: NFValue, into: NFRegister)
    case immediate(NFValue, into: NFRegister)
    case verdict(NFVerdict)
    /// Matches where the key is in the set.
    case contained(NFRegister, in: String)
    case notContained(NFRegister, in: String)
    /// Matches where the key is in the map, and reads its data.
    case lookup(NFRegister, in: String, into: NFRegister)
    /// Matches where the key is in the verdict map, and does what that says.
    case dispatch(NFRegister, by: String)
    /// An even random number below `modulus`, and `offset` more.
    case random(modulus: UInt32, offset: UInt32 = 0, into: NFRegister)
    /// `offset` and Jenkins' hash of `length` bytes, which is below `modulus`.
    case hash(
        NFRegister, length: UInt32, modulus: UInt32, seed: UInt32, offset: UInt32 = 0, into: NFRegister)
    /// Changes a set as packets pass. Does not match where the set is full. A map wants data even for a deletion.
    case change(String, Update, key: NFRegister, data: NFRegister?, milliseconds: UInt64)
    /// The kind of the destination address from this machine's point of view (RTN_*: 2 is local), 32 bits.
    case destinationKind(into: NFRegister)
    case sourceKind(into: NFRegister)
    case translateDestination(NFFamily, address: NFRegister, port: NFRegister)
    case masquerade(isRandom: Bool)
    case refuse(Refusal)
    case offload(String)
    case counter
}
