package import ProxyEngine
internal import Transport

/// The L7 proxy's counters in the text format of Prometheus (0.0.4). Every label value comes from the configuration or
/// is a status code: nothing a client sends makes a series.
package enum ProxyMetrics {
    package static func text(_ counters: ProxyCounters, droppedLogLines: UInt64) -> String {
        var page = MetricsPage()
        page.family("martlet_l7_responses_total", "counter", "Responses to clients, by status code.")
        for (status, count) in counters.statuses.sorted(by: { $0.key < $1.key }) {
            page.sample("martlet_l7_responses_total", [("code", "\(status)")], count)
        }
        routes(counters, &page)
        upstreams(counters, &page)
        let totals: [(String, String, UInt64)] = [
            ("connections_accepted", "Connections of clients accepted.", counters.connectionsAccepted),
            ("upstream_connections_created", "Connections made to endpoints.", counters.upstreamConnectionsCreated),
            ("access_log_dropped_lines", "Lines of the access log that found no room.", droppedLogLines),
        ]
        for (name, help, value) in totals {
            page.family("martlet_l7_\(name)_total", "counter", help)
            page.sample("martlet_l7_\(name)_total", [], value)
        }
        page.family(
            "martlet_l7_connections_refused_total", "counter",
            "Connections of clients closed for want of room before they had sent a request, by reason.")
        for reason in CrowdingReason.allCases {
            page.sample(
                "martlet_l7_connections_refused_total", [("reason", reason.rawValue)],
                counters.connectionsClosed[reason])
        }
        let gauges: [(String, String, Int)] = [
            ("connections_open", "Connections of clients open now.", counters.connectionsOpen),
            ("tunnels_open", "Upgraded connections open now.", counters.tunnelsOpen),
            ("upstream_connections_open", "Connections to endpoints open now.", counters.upstreamConnectionsOpen),
            (
                "upstream_connections_idle", "Connections to endpoints without a request.",
                counters.upstreamConnectionsIdle
            ),
            ("buffered_bytes", "Memory held for slow readers and partial heads.", counters.bufferedBytes),
        ]
        for (name, help, value) in gauges {
            page.family("martlet_l7_\(name)", "gauge", help)
            page.sample("martlet_l7_\(name)", [], UInt64(max(0, value)))
        }
        return page.text
    }

    private static func routes(_ counters: ProxyCounters, _ page: inout MetricsPage) {
        let routes = counters.routes.sorted { $0.key < $1.key }
        page.family("martlet_l7_route_responses_total", "counter", "Responses by route and class of status.")
        for (name, traffic) in routes {
            classes("martlet_l7_route_responses_total", "route", name, traffic, &page)
        }
        page.family("martlet_l7_route_bytes_total", "counter", "Bytes by route: sent upstream, or down to clients.")
        for (name, traffic) in routes {
            page.sample("martlet_l7_route_bytes_total", [("route", name), ("direction", "up")], traffic.bytesUp)
            page.sample("martlet_l7_route_bytes_total", [("route", name), ("direction", "down")], traffic.bytesDown)
        }
    }

    private static func upstreams(_ counters: ProxyCounters, _ page: inout MetricsPage) {
        let upstreams = counters.upstreams.sorted { $0.key < $1.key }
        page.family("martlet_l7_upstream_responses_total", "counter", "Responses by upstream and class of status.")
        for (name, upstream) in upstreams {
            classes("martlet_l7_upstream_responses_total", "upstream", name, upstream.traffic, &page)
        }
        let families: [(name: String, type: String, help: String, value: KeyPath<ProxyCounters.Upstream, UInt64>)] = [
            ("connect_failures_total", "counter", "Attempts to connect that failed.", \.connectFailures),
            ("retries_total", "counter", "Requests sent once more.", \.retries),
            ("timeouts_total", "counter", "Attempts that took too long.", \.timeouts),
            ("ejections_total", "counter", "Endpoints left out for a while because they failed.", \.ejections),
            ("endpoints", "gauge", "Endpoints, with those that are left out.", \.endpoints),
            ("endpoints_ejected", "gauge", "Endpoints left out now because they failed.", \.endpointsEjected),
        ]
        for family in families {
            let name = "martlet_l7_upstream_\(family.name)"
            page.family(name, family.type, family.help)
            for (upstream, counts) in upstreams {
                page.sample(name, [("upstream", upstream)], counts[keyPath: family.value])
            }
        }
    }

    private static func classes(
        _ name: String, _ label: String, _ value: String, _ traffic: ProxyCounters.Traffic, _ page: inout MetricsPage
    ) {
        for (index, count) in traffic.responsesByClass.enumerated() where count > 0 {
            page.sample(name, [(label, value), ("class", "\(index + 1)xx")], count)
        }
    }
}
