import KubeModel
import Synchronization
import Transport

/// Counts of what was answered and how long it took, in the names of kube-apiserver's metrics.
final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        var verb: String
        var resource: String
        var status: Int
    }

    private struct Durations {
        /// Requests at or below each bound of `bounds`, not yet cumulated; the last is beyond all.
        var buckets = [UInt64](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var sum = 0.0
        var count: UInt64 = 0

        mutating func add(_ seconds: Double, _ bucket: Int) {
            buckets[bucket] += 1
            sum += seconds
            count += 1
        }
    }

    private struct State {
        var requests: [Key: UInt64] = [:]
        var durations: [String: Durations] = [:]
    }

    /// Upper bounds of the histogram, in seconds.
    static let bounds = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]

    private let state = Mutex(State())
    private let watches = Atomic(0)
    let proxy = ProxyMetrics()

    func record(_ exchange: Exchange, status: Int) {
        let verb = exchange.verb?.rawValue ?? Self.label(method: exchange.request.method)
        let resource = exchange.plural
        let key = Key(verb: verb, resource: resource, status: status)
        let seconds = Double((MonotonicTime.now.nanoseconds &- exchange.started.nanoseconds)) / 1e9
        state.withLock { state in
            state.requests[key, default: 0] += 1
            guard exchange.verb != .watch else { return }
            let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
            state.durations[verb, default: Durations()].add(seconds, bucket)
        }
    }

    /// A label's values come from a closed set: every new one is a time series that stays.
    private static func label(method: String) -> String {
        switch method {
        case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS": method
        default: "other"
        }
    }

    func watchStarted() { watches.add(1, ordering: .relaxed) }
    func watchEnded() { watches.subtract(1, ordering: .relaxed) }

    var watchCount: Int { watches.load(ordering: .relaxed) }

    /// Prometheus text format 0.0.4.
    func text(
        inFlight: (reads: Int, writes: Int), crowding: CrowdingCounts, revision: Int64, compacted: Int64
    ) -> String {
        let snapshot = state.withLock { $0 }
        var lines = [
            "# HELP apiserver_request_total Requests answered, by verb, resource and HTTP status.",
            "# TYPE apiserver_request_total counter",
        ]
        for (key, count) in snapshot.requests.sorted(by: { Self.label($0.key) < Self.label($1.key) }) {
            lines.append("apiserver_request_total{\(Self.label(key))} \(count)")
        }
        lines.append("# HELP apiserver_request_duration_seconds Seconds from the request to its answer, by verb.")
        lines.append("# TYPE apiserver_request_duration_seconds histogram")
        for (verb, durations) in snapshot.durations.sorted(by: { $0.key < $1.key }) {
            var total: UInt64 = 0
            for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], durations.buckets) {
                total += count
                lines.append("apiserver_request_duration_seconds_bucket{verb=\"\(verb)\",le=\"\(bound)\"} \(total)")
            }
            lines.append("apiserver_request_duration_seconds_sum{verb=\"\(verb)\"} \(durations.sum)")
            lines.append("apiserver_request_duration_seconds_count{verb=\"\(verb)\"} \(durations.count)")
        }
        lines += [
            "# HELP apiserver_current_inflight_requests Requests being worked on.",
            "# TYPE apiserver_current_inflight_requests gauge",
            "apiserver_current_inflight_requests{request_kind=\"readOnly\"} \(inFlight.reads)",
            "apiserver_current_inflight_requests{request_kind=\"mutating\"} \(inFlight.writes)",
            "# HELP apiserver_longrunning_requests Open watches, and requests that go through to Pods.",
            "# TYPE apiserver_longrunning_requests gauge",
            "apiserver_longrunning_requests{verb=\"WATCH\"} \(watchCount)",
            "apiserver_longrunning_requests{verb=\"CONNECT\"} \(proxy.openRequests)",
            "# HELP martlet_api_connections_refused_total "
                + "Connections closed for want of room before they had sent a request, by reason.",
            "# TYPE martlet_api_connections_refused_total counter",
        ]
        for reason in CrowdingReason.allCases {
            lines.append("martlet_api_connections_refused_total{reason=\"\(reason.rawValue)\"} \(crowding[reason])")
        }
        lines += proxy.lines
        lines += [
            "# HELP martlet_store_revision Last committed revision of the store.",
            "# TYPE martlet_store_revision gauge",
            "martlet_store_revision \(revision)",
            "# HELP martlet_store_compacted_revision History starts after this revision.",
            "# TYPE martlet_store_compacted_revision gauge",
            "martlet_store_compacted_revision \(compacted)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func label(_ key: Key) -> String {
        "verb=\"\(key.verb)\",resource=\"\(key.resource)\",code=\"\(key.status)\""
    }
}
