package import KubeModel
package import NetworkTypes

/// One endpoint of one Service port: where to connect, and whether to.
package struct ServiceEndpoint: Hashable, Sendable {
    /// Where to connect.
    package var address: SocketAddress
    /// It may get traffic.
    package var isReady: Bool
    /// It could answer, terminating or not.
    package var isServing: Bool
    /// It is being deleted.
    package var isTerminating: Bool
    /// The node that it runs on, where known.
    package var nodeName: String?
    /// The zone of that node, where known.
    package var zone: String?
    /// The Pod behind it, where known.
    package var pod: NamespacedName?
    /// Its own label below the Service's name in DNS, where it has one.
    package var hostname: String?
    /// The nodes that it is meant for first; empty where there is no such hint.
    package var nodeHints: [String]
    /// The zones that it is meant for first; empty where there is no such hint.
    package var zoneHints: [String]

    package init(
        address: SocketAddress, isReady: Bool = true, isServing: Bool = true, isTerminating: Bool = false,
        nodeName: String? = nil, zone: String? = nil, pod: NamespacedName? = nil, hostname: String? = nil,
        nodeHints: [String] = [], zoneHints: [String] = []
    ) {
        self.address = address
        self.isReady = isReady
        self.isServing = isServing
        self.isTerminating = isTerminating
        self.nodeName = nodeName
        self.zone = zone
        self.pod = pod
        self.hostname = hostname
        self.nodeHints = nodeHints
        self.zoneHints = zoneHints
    }
}

extension Sequence<ServiceEndpoint> {
    /// Those that get traffic: the ready ones, and when there are none the terminating ones that still serve, so that
    /// a rolling update does not leave a Service without endpoints (KEP-1669).
    package func usable() -> [ServiceEndpoint] {
        let ready = filter(\.isReady)
        return ready.isEmpty ? filter { $0.isServing && $0.isTerminating } : ready
    }
}
