/// How often batches were enforced and how long each took: kube-proxy's `sync_proxy_rules` metrics.
package struct SyncTimes: Sendable, Hashable {
    /// Upper bounds in seconds; as kube-proxy's, and finer below a millisecond.
    static let bounds: [Double] = [0.0001, 0.00025, 0.0005] + (0..<15).map { 0.001 * Double(1 << $0) }

    /// How many took at most as long as each bound, and longer than the one before; the last are beyond all.
    private var counts = [Int](repeating: 0, count: Self.bounds.count + 1)
    private var seconds = 0.0
    private(set) var batches = 0
    /// Services named by batches.
    private(set) var services = 0
    /// Seconds since 1970; 0 before the first.
    private(set) var last = 0.0

    package init() {}

    /// - Parameter now: seconds since 1970.
    package mutating func add(_ duration: Duration, services named: Int, now: Double) {
        let took = duration / .seconds(1)
        counts[Self.bounds.firstIndex { took <= $0 } ?? Self.bounds.count] += 1
        seconds += took
        batches += 1
        services += named
        last = now
    }

    /// Prometheus' text format (version 0.0.4).
    package var page: String {
        let name = "kubeproxy_sync_proxy_rules"
        var text = "# HELP \(name)_duration_seconds How long it took to enforce a batch of changes.\n"
        text += "# TYPE \(name)_duration_seconds histogram\n"
        var sum = 0
        for (bound, count) in zip(Self.bounds, counts) {
            sum += count
            text += "\(name)_duration_seconds_bucket{le=\"\(bound)\"} \(sum)\n"
        }
        text += "\(name)_duration_seconds_bucket{le=\"+Inf\"} \(batches)\n"
        text += "\(name)_duration_seconds_sum \(seconds)\n\(name)_duration_seconds_count \(batches)\n"
        text += "# HELP \(name)_last_timestamp_seconds When a batch was last enforced.\n"
        text += "# TYPE \(name)_last_timestamp_seconds gauge\n\(name)_last_timestamp_seconds \(last)\n"
        text += "# HELP \(name)_service_changes_total Services that batches named.\n"
        text += "# TYPE \(name)_service_changes_total counter\n\(name)_service_changes_total \(services)\n"
        return text
    }
}
