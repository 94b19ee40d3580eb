package import DNS
package import NetworkTypes
import Transport

/// The counters of DNS under the names that CoreDNS gives them (its plugins `metrics`, `cache`, `forward` and
/// `kubernetes`), and what it has no name for under `martlet_dns`. Every label is of a fixed set or from the configuration.
package enum NameMetrics {
    /// - Parameters:
    ///   - server: where it listens; the first one names the server as CoreDNS names its own.
    ///   - version: the program's.
    ///   - requests: to the API server, and who that is.
    ///   - droppedLogLines: lines about queries that found no room.
    package static func text(
        _ counters: NameServer.Counters, _ tally: NamesTally.Value = NamesTally.Value(), server: [SocketAddress],
        version: String, requests: (counts: CountedTransport.Counts, host: String)? = nil, droppedLogLines: UInt64 = 0
    ) -> String {
        var page = MetricsPage()
        page.family("coredns_build_info", "gauge", "Which program this is.")
        page.sample("coredns_build_info", [("version", version), ("revision", ""), ("goversion", "none")], 1)
        page.family("coredns_hosts_entries", "gauge", "Lines of tables of hosts.")
        page.sample("coredns_hosts_entries", [], counters.hosts)
        let own = [("server", "dns://\(server.first.map(\.description) ?? "")"), ("zone", "."), ("view", "")]
        plugins(tally.plugins, server: own[0].1, &page)
        programming(tally.programming, &page)
        if let requests { Self.requests(requests.counts, host: requests.host, &page) }
        answers(counters.answers, own, &page)
        cache(counters, [own[0], ("zones", "."), own[2]], &page)
        upstream(counters.upstream, &page)
        page.family(
            "martlet_dns_upstreams_up", "gauge", "Whether every forwarded zone has a server that seems to be up.")
        page.sample("martlet_dns_upstreams_up", [], counters.isUpstreamHealthy ? 1 : 0)
        let totals: [(String, String, UInt64)] = [
            ("log_dropped_lines", "Lines about queries that found no room.", droppedLogLines),
            ("strangers", "Queries from networks that are not answered.", counters.answers.strangers),
            ("rate_limited", "Answers left out or cut short by the rate limit.", counters.answers.rateLimited),
            ("unanswerable", "Datagrams and frames that are no queries.", counters.answers.unanswerable),
            (
                "foreign_replies", "Messages from upstream that answer nothing that was asked.",
                counters.upstream.foreign
            ),
        ]
        for (name, help, value) in totals {
            page.family("martlet_dns_\(name)_total", "counter", help)
            page.sample("martlet_dns_\(name)_total", [], value)
        }
        page.family(
            "martlet_dns_connections_closed_total", "counter", "TCP connections closed for want of room, by reason.")
        for reason in CrowdingReason.allCases {
            page.sample(
                "martlet_dns_connections_closed_total", [("reason", reason.rawValue)],
                counters.connectionsClosed[reason])
        }
        return page.text
    }

    private static func answers(_ counts: AnswerAccounts, _ own: [(String, String)], _ page: inout MetricsPage) {
        page.family(
            "coredns_dns_requests_total", "counter", "Queries, by transport, family (1: IPv4, 2: IPv6) and type.")
        let places = AnswerAccounts.types.count + 1
        for (index, count) in counts.requests.enumerated() where count > 0 {
            let (path, place) = (index / places, index % places)
            let type = place < AnswerAccounts.types.count ? AnswerAccounts.types[place].description : "other"
            page.sample(
                "coredns_dns_requests_total",
                own + [("proto", path < 2 ? "udp" : "tcp"), ("family", path % 2 == 0 ? "1" : "2"), ("type", type)],
                count)
        }
        page.family("coredns_dns_responses_total", "counter", "Answers by code.")
        for (code, count) in zip(codes, counts.responses) where count > 0 {
            page.sample("coredns_dns_responses_total", own + [("rcode", code)], count)
        }
        page.family("coredns_dns_do_requests_total", "counter", "Queries that want signatures.")
        page.sample("coredns_dns_do_requests_total", own, counts.signed)
        for (name, help, sizes) in [
            ("coredns_dns_request_size_bytes", "Sizes of queries.", counts.requestSizes),
            ("coredns_dns_response_size_bytes", "Sizes of answers.", counts.responseSizes),
        ] {
            page.family(name, "histogram", help)
            for (transport, size) in zip(["udp", "tcp"], sizes) {
                page.histogram(
                    name, own + [("proto", transport)], bounds: AnswerAccounts.sizes, counts: size.counts,
                    sum: Double(size.sum))
            }
        }
        page.family("coredns_panics_total", "counter", "Crashes: a process that had one is another one now.")
        page.sample("coredns_panics_total", [], 0)
        page.family("coredns_dns_request_duration_seconds", "histogram", "How long an answer took.")
        page.histogram(
            "coredns_dns_request_duration_seconds", own, bounds: AnswerAccounts.durations,
            counts: counts.durationCounts,
            sum: counts.durationSum)
    }

    private static var codes: [String] { AnswerAccounts.codes.map(\.description) + ["other"] }

    private static func cache(_ counters: NameServer.Counters, _ own: [(String, String)], _ page: inout MetricsPage) {
        page.family("coredns_cache_entries", "gauge", "Answers kept.")
        page.sample("coredns_cache_entries", [own[0], ("type", "success")] + own[1...], counters.cachedAnswers)
        page.sample("coredns_cache_entries", [own[0], ("type", "denial")] + own[1...], counters.cachedDenials)
        page.family("coredns_cache_hits_total", "counter", "Questions answered from the cache.")
        page.sample("coredns_cache_hits_total", [own[0], ("type", "success")] + own[1...], counters.answers.cacheHits)
        page.sample(
            "coredns_cache_hits_total", [own[0], ("type", "denial")] + own[1...], counters.answers.cacheDenialHits)
        let looked = counters.answers.cacheHits + counters.answers.cacheDenialHits + counters.answers.cacheMisses
        let totals: [(String, String, UInt64)] = [
            ("coredns_cache_requests_total", "Questions that the cache was asked.", looked),
            ("coredns_cache_misses_total", "Questions that the cache had no answer to.", counters.answers.cacheMisses),
            (
                "coredns_cache_prefetch_total", "Answers fetched anew before their end.",
                counters.answers.cachePrefetches
            ),
            (
                "coredns_cache_served_stale_total", "Answers out of date that stood in.",
                counters.answers.cacheStaleAnswers
            ),
            ("coredns_cache_evictions_total", "Answers that made room for others.", counters.cacheEvictions),
        ]
        for (name, help, value) in totals {
            page.family(name, "counter", help)
            page.sample(name, own, value)
        }
        page.family("martlet_dns_cache_bytes", "gauge", "Memory of the cache.")
        page.sample("martlet_dns_cache_bytes", [], counters.cacheBytes)
    }

    private static func upstream(_ counters: ResolverCounters, _ page: inout MetricsPage) {
        let servers = counters.servers.sorted { $0.key.description < $1.key.description }
        page.family("coredns_forward_requests_total", "counter", "Questions sent to a server.")
        for (server, counts) in servers {
            page.sample("coredns_forward_requests_total", [("to", "\(server)")], counts.requests)
        }
        page.family("coredns_forward_responses_total", "counter", "Answers of a server, by code.")
        for (server, counts) in servers {
            for (code, count) in zip(codes, counts.responses) where count > 0 {
                page.sample("coredns_forward_responses_total", [("to", "\(server)"), ("rcode", code)], count)
            }
        }
        page.family("coredns_forward_request_duration_seconds", "summary", "How long a server took to answer.")
        for (server, counts) in servers {
            page.sample("coredns_forward_request_duration_seconds_sum", [("to", "\(server)")], counts.durationSum)
            page.sample("coredns_forward_request_duration_seconds_count", [("to", "\(server)")], counts.durationCount)
        }
        page.family(
            "coredns_forward_healthcheck_failures_total", "counter", "Probes of a server that is down that failed.")
        for (server, counts) in servers {
            page.sample("coredns_forward_healthcheck_failures_total", [("to", "\(server)")], counts.probeFailures)
        }
        page.family("martlet_dns_forward_failures_total", "counter", "Questions that a server did not answer.")
        for (server, counts) in servers {
            page.sample("martlet_dns_forward_failures_total", [("to", "\(server)")], counts.failures)
        }
        page.family("coredns_forward_healthcheck_broken_total", "counter", "Questions that found every server down.")
        page.sample("coredns_forward_healthcheck_broken_total", [], counters.allDown)
        page.family("coredns_forward_max_concurrent_rejects_total", "counter", "Questions that found no room.")
        page.sample("coredns_forward_max_concurrent_rejects_total", [], counters.overflows)
    }
}
