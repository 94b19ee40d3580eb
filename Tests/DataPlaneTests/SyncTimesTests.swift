import Testing

@testable import DataPlane

@Suite("The time that batches take is told as kube-proxy tells it") struct SyncTimesTests {
    @Test func `buckets add up, and count what is beyond all`() {
        var times = SyncTimes()
        times.add(.milliseconds(1), services: 1, now: 100)
        times.add(.milliseconds(3), services: 2, now: 101)
        times.add(.seconds(60), services: 10_000, now: 161.5)
        let lines = times.page.split(separator: "\n").map(String.init)
        for line in [
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.0005\"} 0",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.001\"} 1",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"0.004\"} 2",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"16.384\"} 2",
            "kubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"+Inf\"} 3",
            "kubeproxy_sync_proxy_rules_duration_seconds_count 3",
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds 161.5",
            "kubeproxy_sync_proxy_rules_service_changes_total 10003",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }
}
