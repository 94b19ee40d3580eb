package import APIResources
package import NetworkTypes
package import Transport

/// Everything `martlet apiserver` can be told. Names follow kube-apiserver's flags where one exists.
package struct APIServerConfiguration: Sendable {
    /// `--bind-address` and `--secure-port`: where HTTPS listens; nil serves the unix socket only. Port 0: any free port.
    package var secureAddress: SocketAddress?
    /// `--tls-cert-file`, `--tls-private-key-file`: PEM; required when `secureAddress` is set.
    package var tlsCertificateFile: String?
    package var tlsPrivateKeyFile: String?
    /// `--client-ca-file`: PEM bundle that client certificates are verified by; nil: none are accepted.
    package var clientCAFile: String?
    /// `--token-auth-file`: lines `token,user,uid,"group1,group2"`; nil: no tokens.
    package var tokenAuthFile: String?
    /// Path of the unix socket (made with mode 0600, every caller is an administrator); nil: none.
    package var unixSocketPath: String?
    /// Path of the SQLite file of the store; created when missing.
    package var storePath: String
    /// `--service-cluster-ip-range` and `--service-node-port-range`.
    package var ranges: AllocationRanges
    /// Threads that serve requests; nil: one a core.
    package var eventLoops: Int?
    /// `--max-requests-inflight` + `--max-mutating-requests-inflight`: requests being worked on before 429 is answered.
    /// Watches are not counted.
    package var maxReadsInFlight: Int = 400
    package var maxWritesInFlight: Int = 1000
    /// Largest request body in bytes, before 413. Kubernetes: 3 MiB.
    package var maxBodyBytes: Int = 3 << 20
    /// What all request bodies may take at once; further ones wait for their turn unread.
    package var bodyBudgetBytes: Int = 64 << 20
    /// While more than this waits for clients to take it, reads get 429.
    package var maxAnswerBytes: Int = 256 << 20
    /// Connections that are served at once; the default follows from RLIMIT_NOFILE.
    package var connections: ConnectionAdmission.Limits
    /// Requests that go through to Pods at once, and connections through to Pods that speak another protocol; the defaults
    /// follow from RLIMIT_NOFILE.
    package var maxForwarded: Int
    package var maxTunnels: Int
    /// `--etcd-compaction-interval`: seconds of history that is always kept for watchers that come back.
    package var historySeconds: Int = 300
    /// Bytes a watcher may leave unread before it is cut off.
    package var watchBufferBytes: Int = 8 << 20
    /// Seconds between the bookmarks of a watch that asked for them. Kubernetes: about a minute.
    package var bookmarkSeconds: Int = 60

    /// The commit that the program was built from, for `/version`; "" where nobody knows.
    package var commit = ""

    /// What `/flagz` shows: flags as they are in force, with paths and without contents.
    var flags: [(name: String, value: String)] {
        var flags = [
            (name: "service-cluster-ip-range", value: ranges.serviceCIDRs.map(\.description).joined(separator: ",")),
            (name: "service-node-port-range", value: "\(ranges.nodePorts.lowerBound)-\(ranges.nodePorts.upperBound)"),
            (name: "max-requests-inflight", value: "\(maxReadsInFlight)"),
            (name: "max-mutating-requests-inflight", value: "\(maxWritesInFlight)"),
            (name: "max-resource-write-bytes", value: "\(maxBodyBytes)"),
            (name: "max-connections", value: "\(connections.network)"),
        ]
        if let secureAddress {
            flags.append((name: "bind-address", value: "\(secureAddress.ip)"))
            flags.append((name: "secure-port", value: "\(secureAddress.port)"))
        }
        for (name, path) in [
            ("tls-cert-file", tlsCertificateFile), ("tls-private-key-file", tlsPrivateKeyFile),
            ("client-ca-file", clientCAFile), ("token-auth-file", tokenAuthFile),
        ] {
            if let path { flags.append((name: name, value: path)) }
        }
        return flags
    }

    package init(storePath: String, ranges: AllocationRanges) {
        self.storePath = storePath
        self.ranges = ranges
        let budget = DescriptorBudget.apiServer(limit: DescriptorLimit.current)
        connections = ConnectionAdmission.Limits(
            network: min(20_000, budget.connections(.clients)), local: min(2_000, budget.connections(.local)))
        let pods = budget.connections(.upstreams)
        maxForwarded = min(RequestForwarder.maximum, pods / 3)
        maxTunnels = min(TunnelLimit.maximum, pods - pods / 3)
    }
}
