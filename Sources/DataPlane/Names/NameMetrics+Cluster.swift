/// What CoreDNS' plugins `metrics` and `kubernetes` tell of the server block and of the API.
extension NameMetrics {
    static func plugins(_ plugins: Set<EnabledPlugin>, server: String, _ page: inout MetricsPage) {
        page.family("coredns_plugin_enabled", "gauge", "The plugins that do their work in a zone's block.")
        let sorted = plugins.map { (zone: "\($0.zone)", name: $0.name) }.sorted {
            ($0.zone, $0.name) < ($1.zone, $1.name)
        }
        for plugin in sorted {
            page.sample(
                "coredns_plugin_enabled",
                [("server", server), ("zone", plugin.zone), ("view", ""), ("name", plugin.name)], 1)
        }
    }

    /// Slices whose controller says what set it off are those of Services with a selector; of a cluster IP nothing is told, as
    /// CoreDNS 1.13 does not.
    static func programming(_ durations: DurationHistogram, _ page: inout MetricsPage) {
        let name = "coredns_kubernetes_dns_programming_duration_seconds"
        page.family(name, "histogram", "From the change of a Pod or Service until its names were answered so.")
        durations.writeSamples(name, [("service_kind", "headless_with_selector")], to: &page)
    }

    /// Requests of the whole process: DNS has no client of its own. Nothing limits their rate, so of that nothing is told.
    static func requests(_ counts: CountedTransport.Counts, host: String, _ page: inout MetricsPage) {
        var name = "coredns_kubernetes_rest_client_request_duration_seconds"
        page.family(name, "histogram", "How long the API server took to answer this process.")
        for (method, durations) in counts.durations.sorted(by: { $0.key < $1.key }) {
            durations.writeSamples(name, [("verb", method), ("host", host)], to: &page)
        }
        name = "coredns_kubernetes_rest_client_requests_total"
        page.family(name, "counter", "Requests of this process to the API server.")
        let sorted = counts.requests.sorted { ($0.key.method, $0.key.code) < ($1.key.method, $1.key.code) }
        for (kind, count) in sorted {
            page.sample(name, [("code", kind.code), ("host", host), ("method", kind.method)], count)
        }
    }
}
