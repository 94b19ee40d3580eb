import Synchronization

/// Counts of what was asked of `proxy`. Labels are closed sets.
final class ProxyMetrics: Sendable {
    /// What became of a request for another protocol.
    enum Upgrade: String, CaseIterable, Sendable {
        /// The backend went over.
        case switched
        /// The backend gave another answer.
        case answered
        /// There was no answer of the backend that could be passed on.
        case failed
        /// There were too many already.
        case refused
    }

    private struct State: Sendable {
        var upgrades: [Upgrade: UInt64] = [:]
        var toClients: UInt64 = 0
        var toBackends: UInt64 = 0
        var tunnels = 0
        var requests = 0
    }

    private let state = Mutex(State())

    func record(_ upgrade: Upgrade) { state.withLock { $0.upgrades[upgrade, default: 0] += 1 } }
    func passedToClient(_ bytes: Int) { state.withLock { $0.toClients += UInt64(bytes) } }
    func passedToBackend(_ bytes: Int) { state.withLock { $0.toBackends += UInt64(bytes) } }
    func requestBegan() { state.withLock { $0.requests += 1 } }
    func requestEnded() { state.withLock { $0.requests -= 1 } }
    func tunnelOpened() { state.withLock { $0.tunnels += 1 } }
    func tunnelClosed() { state.withLock { $0.tunnels -= 1 } }

    /// Requests that are forwarded now, tunnels included.
    var openRequests: Int { state.withLock { $0.requests } }

    /// Lines of Prometheus' text format.
    var lines: [String] {
        let state = state.withLock { $0 }
        return [
            "# HELP martlet_api_proxy_upgrades_total Requests to proxy for another protocol, by what became of them.",
            "# TYPE martlet_api_proxy_upgrades_total counter",
        ]
            + Upgrade.allCases.map {
                "martlet_api_proxy_upgrades_total{result=\"\($0.rawValue)\"} \(state.upgrades[$0] ?? 0)"
            } + [
                "# HELP martlet_api_proxy_tunnels Connections through proxy that speak another protocol.",
                "# TYPE martlet_api_proxy_tunnels gauge",
                "martlet_api_proxy_tunnels \(state.tunnels)",
                "# HELP martlet_api_proxy_tunnel_bytes_total Bytes through such connections, by direction.",
                "# TYPE martlet_api_proxy_tunnel_bytes_total counter",
                "martlet_api_proxy_tunnel_bytes_total{direction=\"to_client\"} \(state.toClients)",
                "martlet_api_proxy_tunnel_bytes_total{direction=\"to_backend\"} \(state.toBackends)",
            ]
    }
}
