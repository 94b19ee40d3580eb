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
    /// In the kernel, by virtual servers of IPVS beside a table of nftables.
    case ipvs
}
