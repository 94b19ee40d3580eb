package import KubeClient
package import NetworkTypes
package import Systemd

/// Everything `martlet dataplane` can be told.
package struct DataPlaneConfiguration: Sendable {
    /// Where the API server is.
    package var client: ClientConfiguration
    /// `--node-name`: who this node is for `Local` traffic policies and in Events.
    package var nodeName: String
    /// `--node-ip`, `--zone`, `--region`, `--node-labels`: what the Node says beside.
    package var node = NodeDescription()
    /// `--node-lease-duration-seconds`: the Lease is renewed four times as often.
    package var leaseSeconds = 40
    /// `--nodeport-addresses`: the networks on whose addresses node ports are served; empty for all of the machine's.
    package var nodePortRanges: [CIDR]
    /// Where the L7 proxy listens.
    package var httpAddresses: [SocketAddress]
    package var httpsAddresses: [SocketAddress]
    /// Threads; nil for one a core.
    package var eventLoops: Int?
    /// The program's own, for its metrics.
    package var version = ""
    /// `--access-log`: where the L7 proxy's access log goes, `-` for standard output; nil for none.
    package var accessLogPath: String?
    /// `--access-log-sampling`: one of so many requests is logged.
    package var accessLogSampling = 1
    /// `--metrics-bind-address`: where `/metrics`, `/healthz` and `/livez`, and with DNS `/ready` and `/health`, are served in
    /// plain HTTP; nil for nowhere.
    package var metricsAddress: SocketAddress?
    /// `--certificate-dir`: where the last good certificate of a Secret that turned bad is kept over a restart; nil for
    /// nowhere.
    package var certificateDirectory: String?
    /// `--shutdown-grace-period`: how long requests and connections under way have to end when the process is asked to.
    package var shutdownGrace: Duration = .seconds(5)
    /// `--proxy-mode`: how Services are enforced.
    package var proxyMode = ProxyMode.auto
    /// `--socket-mode`: sockets of processes on this node are led to endpoints when they connect.
    package var leadsSockets = false
    /// `--socket-cgroup`: the control group whose processes those are; nil for all of them.
    package var socketGroup: String?
    /// `--ipvs-scheduler`: of the mode ipvs.
    package var scheduler = ServiceScheduler.roundRobin
    /// `--cluster-cidr`, `--masquerade-all`: of the modes in the kernel.
    package var masquerade = MasqueradePolicy()
    /// `--flowtable`: established connections skip the rules, where the kernel can; of the mode nftables.
    package var wantsFastPath = false
    /// `--announce-lease-duration-seconds`: for how long the other nodes leave this one's addresses to it after they heard of
    /// it last.
    package var announceLeaseSeconds = 2
    /// `--unit-bus`: whose units Pods of this node may stand for.
    package var unitBus = UnitBusKind.system
    /// DNS; nil for none.
    package var names: NamesConfiguration?

    package init(
        client: ClientConfiguration, nodeName: String, nodePortRanges: [CIDR] = [],
        httpAddresses: [SocketAddress] = [], httpsAddresses: [SocketAddress] = [], eventLoops: Int? = nil
    ) {
        self.client = client
        self.nodeName = nodeName
        self.nodePortRanges = nodePortRanges
        self.httpAddresses = httpAddresses
        self.httpsAddresses = httpsAddresses
        self.eventLoops = eventLoops
    }
}
