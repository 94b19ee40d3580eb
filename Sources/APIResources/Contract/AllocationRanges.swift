package import NetworkTypes

/// The ranges the server hands cluster IPs and node ports out of. Kubernetes: `--service-cluster-ip-range` (one range, or
/// one of each family; the first is the primary family) and `--service-node-port-range`.
package struct AllocationRanges: Sendable, Hashable {
    /// One or two; two have different families.
    package var serviceCIDRs: [CIDR]
    /// Inclusive; 30000–32767 unless configured.
    package var nodePorts: ClosedRange<UInt16>
    /// Node ports that no Service gets, since something on the nodes listens there.
    package var reservedNodePorts: Set<UInt16>

    package init(
        serviceCIDRs: [CIDR], nodePorts: ClosedRange<UInt16> = 30000...32767, reservedNodePorts: Set<UInt16> = []
    ) {
        self.reservedNodePorts = reservedNodePorts
        self.serviceCIDRs = serviceCIDRs
        self.nodePorts = nodePorts
    }
}
