import Testing

extension MachineCluster {
    /// A server, and two nodes that enforce in the kernel, `two` and `three`, with a backend each of IPv4. Machine 3 has nothing.
    ///
    /// - Parameter flags: further ones of the nodes.
    static func withBackends(_ flags: [String] = [], _ body: (MachineCluster, _ nodes: [Program]) async throws -> Void)
        async throws
    {
        try await with(4) { cluster in
            for machine in 0..<3 {
                for name in ["ipv4.ip_forward", "ipv6.conf.all.forwarding"] {
                    let path = "/proc/sys/net/" + name.replacing(".", with: "/")
                    let output = try await cluster.room.machines[machine].run(["sh", "-c", "echo 1 > \(path)"])
                    try #require(output.succeeded, "\(output)")
                }
            }
            let mode = ["--proxy-mode", "nftables"]
            let flags = mode + flags
            try await cluster.up(mode + ["--service-cluster-ip-range", "10.96.0.0/16,fd00:99::/112"])
            let nodes = [
                try await cluster.join(1, name: "two", flags), try await cluster.join(2, name: "three", flags),
            ]
            try await cluster.backend("shop-2", on: 1, node: "two")
            try await cluster.backend("shop-3", on: 2, node: "three")
            try await body(cluster, nodes)
        }
    }
}
