package import NetworkTypes
import Synchronization

/// One endpoint of one Service port: where to connect, and whether to.
///
/// The one form that endpoints are kept in, for everybody: 32 bytes (a cluster has hundreds of thousands), and none of a heap
/// for what they have in common.
package struct ServiceEndpoint: Hashable, Sendable {
    /// Where to connect.
    package var address: SocketAddress
    /// It may get traffic.
    package var isReady: Bool
    /// It could answer, terminating or not.
    package var isServing: Bool
    /// It is being deleted.
    package var isTerminating: Bool
    private let placement: SharedPlacement?

    /// - Parameters:
    ///   - nodeName: the node that it runs on, where known.
    ///   - nodeHints: the nodes that it is meant for first; empty where there is no such hint.
    ///   - zoneHints: the zones that it is meant for first; empty where there is no such hint.
    package init(
        address: SocketAddress, isReady: Bool = true, isServing: Bool = true, isTerminating: Bool = false,
        nodeName: String? = nil, nodeHints: [String] = [], zoneHints: [String] = []
    ) {
        self.address = address
        self.isReady = isReady
        self.isServing = isServing
        self.isTerminating = isTerminating
        let placement = EndpointPlacement(nodeName: nodeName, nodeHints: nodeHints, zoneHints: zoneHints)
        self.placement = PlacementPool.shared.withLock { $0.share(placement) }
    }

    /// The node that it runs on, where known.
    package var nodeName: String? { placement?.value.nodeName }

    /// The nodes that it is meant for first; empty where there is no such hint.
    package var nodeHints: [String] { placement?.value.nodeHints ?? [] }

    /// The zones that it is meant for first; empty where there is no such hint.
    package var zoneHints: [String] { placement?.value.zoneHints ?? [] }

    /// The same at another port.
    func at(_ port: Port) -> ServiceEndpoint {
        var endpoint = self
        endpoint.address.port = port
        return endpoint
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

extension [ServiceEndpoint] {
    /// Puts them in order of their addresses, each once. During a move an endpoint may be there twice for a moment
    /// (EndpointSlice API reference, "duplicate endpoints"): the state that is best for traffic counts, and the first of
    /// equals.
    mutating func merge() {
        sort { $0.address == $1.address ? $0.rank > $1.rank : $0.address < $1.address }
        guard zip(self, dropFirst()).contains(where: { $0.address == $1.address }) else { return }
        var last: SocketAddress?
        removeAll { endpoint in
            defer { last = endpoint.address }
            return endpoint.address == last
        }
    }
}

extension ServiceEndpoint {
    /// The higher, the better for traffic.
    fileprivate var rank: Int { (isReady ? 2 : 0) + (isServing ? 1 : 0) }
}
