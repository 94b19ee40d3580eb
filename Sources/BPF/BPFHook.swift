/// Where in the life of a socket a program of a control group runs: `enum bpf_attach_type` of `linux/bpf.h`, of programs of
/// the type `BPF_PROG_TYPE_CGROUP_SOCK_ADDR`.
///
/// The context is a `SocketCall`. A program returns 1 to let the call go on (with the address that it left in the context);
/// 0 refuses it, with EPERM, where that is possible (`connect`, `send`).
package enum BPFHook: UInt32, CaseIterable, Sendable {
    /// TCP, and UDP that connects.
    case connect4 = 10
    case connect6 = 11
    /// UDP that names whom it sends to.
    case send4 = 14
    case send6 = 15
    /// UDP that wants to know whom it heard.
    case receive4 = 19
    case receive6 = 20
    case peerName4 = 29
    case peerName6 = 30

    /// Whether it sees addresses of IPv6, those that stand for one of IPv4 among them.
    package var isIPv6: Bool {
        switch self {
        case .connect6, .send6, .receive6, .peerName6: true
        case .connect4, .send4, .receive4, .peerName4: false
        }
    }

    /// `BPF_PROG_TYPE_CGROUP_SOCK_ADDR`.
    static let programType: UInt32 = 18
}

/// Where the fields of the context are (`struct bpf_sock_addr`).
package enum SocketCallField {
    /// In network order, as `address6` and `port` are.
    package static let address4: Int16 = 4
    package static let address6: Int16 = 8
    /// In the lower two bytes of four.
    package static let port: Int16 = 24
    package static let transport: Int16 = 36
    /// Of `send4`: where it is sent from, as far as the sender said.
    package static let source4: Int16 = 40
    package static let source6: Int16 = 44
    /// The address of what `SocketField` describes.
    package static let socket: Int16 = 64
}

/// Where the fields of a socket are (`struct bpf_sock`).
package enum SocketField {
    /// The interface that it is bound to; 0 for none.
    package static let device: Int16 = 0
    package static let mark: Int16 = 16
    /// The address that it is bound to, in network order.
    package static let source4: Int16 = 24
    package static let source6: Int16 = 28
}
