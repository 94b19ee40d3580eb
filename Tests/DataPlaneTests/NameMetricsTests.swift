import DNS
import DataPlane
import NetworkTypes
import TestSupport
import Testing
import Transport

@Suite("DNS in /metrics") struct NameMetricsTests {
    /// The samples of a page, without the comments.
    static func samples(_ page: String) -> [String: String] {
        var samples: [String: String] = [:]
        for line in page.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            samples[String(parts[0])] = String(parts[1])
        }
        return samples
    }

    @Test func `what clients asked and how it was answered is counted under CoreDNS' names`() async throws {
        let loops = try EventLoop.group(count: 2, name: "names")
        let server = NameServer(loops: loops)
        let address = try server.listen(SocketAddress(ip: try #require(IPAddress(OwnLoopback.address)), port: 0))
        let client = try BlockingSocket(address, datagrams: true)
        // A question for the root's name servers, which nobody here has.
        for _ in 0..<3 {
            try client.send("\u{0}\u{7}\u{1}\u{0}\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{2}\u{0}\u{1}")
            _ = try client.receive()
        }
        let samples = Self.samples(NameMetrics.text(await server.counters(), server: [address], version: "1"))
        let own = #"server="dns://\#(address)",zone=".",view="""#
        #expect(samples[#"coredns_dns_requests_total{\#(own),proto="udp",family="1",type="NS"}"#] == "3")
        #expect(samples[#"coredns_dns_responses_total{\#(own),rcode="REFUSED"}"#] == "3")
        #expect(samples[#"coredns_dns_request_duration_seconds_bucket{\#(own),le="+Inf"}"#] == "3")
        #expect(samples[#"coredns_dns_request_duration_seconds_count{\#(own)}"#] == "3")
        await server.stop()
        for loop in loops { loop.stop() }
    }

    @Test func `cache and upstream servers are in it, and labels are only types, codes and servers`() throws {
        var counters = NameServer.Counters()
        counters.answers.cacheHits = 5
        counters.answers.cacheDenialHits = 2
        counters.cachedAnswers = 4
        counters.cachedDenials = 1
        let upstream = SocketAddress(ip: IPAddress(v4: 0xc000_0235), port: 53)
        var server = ResolverCounters.Server()
        server.requests = 9
        server.responses[0] = 7
        server.responses[AnswerAccounts.codes.count] = 1
        counters.upstream.servers[upstream] = server
        counters.answers.requests = counters.answers.requests.map { _ in 1 }
        counters.answers.responses = counters.answers.responses.map { _ in 1 }
        let page = NameMetrics.text(counters, server: [SocketAddress(ip: .loopbackV4, port: 53)], version: "1.2.3")
        let samples = Self.samples(page)
        let own = #"server="dns://127.0.0.1:53""#
        #expect(samples[#"coredns_cache_hits_total{\#(own),type="success",zones=".",view=""}"#] == "5")
        #expect(samples[#"coredns_cache_hits_total{\#(own),type="denial",zones=".",view=""}"#] == "2")
        #expect(samples[#"coredns_cache_entries{\#(own),type="success",zones=".",view=""}"#] == "4")
        #expect(samples[#"coredns_forward_requests_total{to="192.0.2.53:53"}"#] == "9")
        #expect(samples[#"coredns_forward_responses_total{to="192.0.2.53:53",rcode="NOERROR"}"#] == "7")
        #expect(samples[#"coredns_forward_responses_total{to="192.0.2.53:53",rcode="other"}"#] == "1")
        #expect(samples[#"coredns_build_info{version="1.2.3",revision="",goversion="none"}"#] == "1")
        #expect(samples["martlet_dns_upstreams_up"] == "1")
        // Every type, transport and family, and every code: there are no more.
        #expect(samples.keys.filter { $0.hasPrefix("coredns_dns_requests_total") }.count == 4 * 21)
        #expect(samples.keys.filter { $0.hasPrefix("coredns_dns_responses_total") }.count == 8)
        // Each family is explained once.
        let families = page.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(families).count == families.count && families.count > 15)
    }
}
