/// How often batches were enforced, how long each took, and how long after what set it off: kube-proxy's metrics.
package struct SyncTimes: Sendable, Hashable {
    /// As kube-proxy's, and finer below a millisecond.
    private static let bounds: [Double] = [0.0001, 0.00025, 0.0005] + (0..<15).map { 0.001 * Double(1 << $0) }
    /// As kube-proxy's.
    private static let programmingBounds: [Double] =
        [0.25, 0.5] + (1...59).map(Double.init) + stride(from: 60, through: 115, by: 5).map(Double.init)
        + stride(from: 120, through: 300, by: 30).map(Double.init)

    private var all = DurationHistogram(bounds: Self.bounds)
    private var full = DurationHistogram(bounds: Self.bounds)
    private var partial = DurationHistogram(bounds: Self.bounds)
    private var programming = DurationHistogram(bounds: Self.programmingBounds)
    /// Batches of which nothing is in effect.
    package private(set) var failures: UInt64 = 0
    /// Services named by batches.
    package private(set) var services = 0
    /// Seconds since 1970 of the last one in effect; 0 before the first.
    package private(set) var last = 0.0

    package init() {}

    /// Takes in a batch.
    ///
    /// - Parameters:
    ///   - triggers: when the changes happened that the batch answers, in microseconds since 1970.
    ///   - now: seconds since 1970.
    package mutating func add(
        _ duration: Duration, services named: Int, extent: EnforcementBatch.Extent = .changes, isInEffect: Bool = true,
        triggers: [Int64] = [], now: Double
    ) {
        let took = duration / .seconds(1)
        all.add(took)
        if extent == .everything { full.add(took) } else { partial.add(took) }
        services += named
        guard isInEffect else {
            failures += 1
            return
        }
        last = now
        for trigger in triggers { programming.add(now - Double(trigger) / 1e6) }
    }

    /// - Parameters:
    ///   - queue: what is still to be enforced.
    ///   - withoutLocal: ports of Services whose policy is `Local` and that have no endpoint here, by policy.
    ///   - mode: of the enforcer.
    package func page(_ queue: SyncQueue, withoutLocal: NoLocalEndpoints.Counts, mode: ProxyMode) -> String {
        var page = MetricsPage()
        let name = "kubeproxy_sync_proxy_rules"
        all.write("\(name)_duration_seconds", "How long it took to enforce a batch of changes.", to: &page)
        full.write(
            "kubeproxy_sync_full_proxy_rules_duration_seconds", "How long it took to enforce everything anew.",
            to: &page)
        partial.write(
            "kubeproxy_sync_partial_proxy_rules_duration_seconds", "How long it took to enforce what changed.",
            to: &page)
        programming.write(
            "kubeproxy_network_programming_duration_seconds",
            "From the change of a Pod or Service until it was in effect here.", to: &page)
        func add(_ name: String, _ type: String, _ help: String, _ value: some CustomStringConvertible) {
            page.family(name, type, help)
            page.sample(name, [], value)
        }
        add("\(name)_last_timestamp_seconds", "gauge", "When a batch was last in effect.", last)
        add(
            "\(name)_last_queued_timestamp_seconds", "gauge", "When a change was last told of.",
            Double(queue.lastQueued) / 1e6)
        for (kind, count) in [("service", queue.services), ("endpoint", queue.endpoints)] {
            add("\(name)_\(kind)_changes_total", "counter", "Changes that the API told of.", count.total)
            add("\(name)_\(kind)_changes_pending", "gauge", "Changes that are not in effect yet.", count.pending)
        }
        page.family(
            "\(name)_no_local_endpoints_total", "gauge",
            "Ports of Services whose policy is Local and that have no endpoint here.")
        page.sample("\(name)_no_local_endpoints_total", [("traffic_policy", "internal")], withoutLocal.inside)
        page.sample("\(name)_no_local_endpoints_total", [("traffic_policy", "external")], withoutLocal.outside)
        switch mode {
        case .nftables:
            add("\(name)_nftables_sync_failures_total", "counter", "Batches that the kernel refused.", failures)
        case .iptables:
            add(
                "\(name)_iptables_restore_failures_total", "counter", "Batches that iptables-restore refused.", failures
            )
        case .auto, .userspace, .ipvs: break
        }
        return page.text
    }
}
