/// `--proxy-mode`: how Services are enforced on a node.
package enum ProxyMode: String, CaseIterable, Sendable {
    /// In the kernel where this process may, the kernel can, and packets are passed on to endpoints elsewhere
    /// (`net.ipv4.ip_forward`); else in user space.
    case auto
    /// In the kernel, by a table of nftables.
    case nftables
    /// In the kernel, by chains of iptables that administrators know from kube-proxy.
    case iptables
    /// By relays of this process.
    case userspace
    /// kube-proxy's mode that is not to be had here.
    case ipvs

    /// Why nobody can have it; nil for those that there are.
    package var refusal: String? {
        switch self {
        case .ipvs: "the mode ipvs is not there yet: nftables does the same, but for IPVS' schedulers"
        case .auto, .nftables, .iptables, .userspace: nil
        }
    }
}
