package import NetworkTypes

/// Which connections to Services leave this node under its own address, so that answers come back through it.
///
/// Always so: what an endpoint sends to itself through its Service, and what comes from outside to a node port, external
/// or load-balancer address whose `externalTrafficPolicy` is `Cluster`.
package struct MasqueradePolicy: Hashable, Sendable {
    /// `--cluster-cidr`: where Pods are. Connections to cluster IPs from elsewhere are masqueraded; nobody's where this
    /// is empty.
    package var podNetworks: [CIDR] = []
    /// `--masquerade-all`: every connection to a Service.
    package var isForAll = false
    /// Clients keep their address where the endpoint is on this node: its answers come back through it anyway.
    package var sparesHome = false

    package init() {}
}
