import Testing

@testable import DataPlane

@Suite("The time that batches take is told as kube-proxy tells it") struct SyncTimesTests {
    @Test func `buckets add up, and count what is beyond all`() {
        var times = SyncTimes()
        times.add(.milliseconds(1), services: 1, now: 100)
        times.add(.milliseconds(3), services: 2, triggers: [98_500_000, 120_000_000], now: 101)
        times.add(.seconds(60), services: 10_000, extent: .everything, now: 161.5)
        times.add(.seconds(1), services: 1, isInEffect: false, triggers: [1], now: 170)
        var queue = SyncQueue(started: 0)
        for number in 0..<3 {
            queue.addService(now: 1, wallNow: 7_250_000)
            if number == 1 { _ = queue.take() }
        }
        var without = NoLocalEndpoints.Counts()
        without.outside = 4
        let lines = times.page(queue, withoutLocal: without, mode: .nftables).split(separator: "\n").map(String.init)
        for line in [
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.0005\"} 0",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.001\"} 1",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.004\"} 2",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"16.384\"} 3",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"+Inf\"} 4",
            "kubeproxy_sync_proxy_rules_duration_seconds_count 4",
            "kubeproxy_sync_full_proxy_rules_duration_seconds_count 1",
            "kubeproxy_sync_partial_proxy_rules_duration_seconds_count 3",
            // Clocks that differ make a change of the future: it counts as none.
            "kubeproxy_network_programming_duration_seconds_bucket{le=\"0.25\"} 1",
            "kubeproxy_network_programming_duration_seconds_bucket{le=\"3.0\"} 2",
            "kubeproxy_network_programming_duration_seconds_sum 2.5",
            "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds 7.25",
            "kubeproxy_sync_proxy_rules_nftables_sync_failures_total 1",
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy=\"external\"} 4",
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds 161.5",
            "kubeproxy_sync_proxy_rules_service_changes_total 3",
            "kubeproxy_sync_proxy_rules_service_changes_pending 1",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }
}
