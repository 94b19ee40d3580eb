import IPVS

/// `--ipvs-scheduler`: how the mode ipvs chooses for Services that ask for nothing in particular, by the names that
/// ipvsadm(8) and kube-proxy have.
package enum ServiceScheduler: String, CaseIterable, Sendable {
    /// In turn.
    case roundRobin = "rr"
    /// In turn, by weights; those of endpoints are all the same.
    case weightedRoundRobin = "wrr"
    /// The endpoint with the fewest connections.
    case leastConnections = "lc"
    /// By the client's address.
    case sourceHashing = "sh"
    /// By the client's address, so that few clients move when an endpoint comes or goes.
    case maglevHashing = "mh"

    var ipvs: IPVSScheduler { IPVSScheduler(rawValue: rawValue) }
}
