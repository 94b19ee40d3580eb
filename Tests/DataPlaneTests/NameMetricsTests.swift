import DNS
import KubeClient
import NetworkTypes
import TestSupport
import Testing
import Transport

@testable import DataPlane

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

    /// Answers with a status, or not at all.
    private struct Answering: APITransport {
        func send(_ request: APIRequest) async throws -> APIResponse {
            guard let status = Int(request.target) else { throw ClientError(.unreachable, "nobody") }
            return APIResponse(status: status, body: [])
        }

        func open(_ request: APIRequest) async throws -> APIStream {
            guard let status = Int(request.target) else { throw ClientError(.unreachable, "nobody") }
            return APIStream(status: status, chunks: AsyncThrowingStream { nil })
        }
    }

    @Test func `plugins, the API server's answers and the time of changes are in it, in CoreDNS' words`() async throws {
        let api = CountedTransport(Answering(), host: "192.0.2.1:6443")
        for (method, target) in [("GET", "200"), ("GET", "200"), ("PATCH", "409"), ("POST", "x"), ("PUT", "99999")] {
            _ = try? await api.send(APIRequest(method: method, target: target))
        }
        for target in ["200", "410", "x"] { _ = try? await api.open(APIRequest(method: "GET", target: target)) }
        var tally = NamesTally.Value()
        tally.plugins = [
            EnabledPlugin(zone: .root, name: "forward"),
            EnabledPlugin(zone: try DomainName("cluster.local"), name: "kubernetes"),
        ]
        tally.programming.add(0.003)
        tally.programming.add(2000)
        let page = NameMetrics.text(
            NameServer.Counters(), tally, server: [SocketAddress(ip: .loopbackV4, port: 53)], version: "1",
            requests: (api.counts, api.host))
        let samples = Self.samples(page)
        let server = #"server="dns://127.0.0.1:53""#
        #expect(
            samples.filter { $0.key.hasPrefix("coredns_plugin_enabled") } == [
                #"coredns_plugin_enabled{\#(server),zone=".",view="",name="forward"}"#: "1",
                #"coredns_plugin_enabled{\#(server),zone="cluster.local.",view="",name="kubernetes"}"#: "1",
            ])
        let programming = "coredns_kubernetes_dns_programming_duration_seconds"
        let kind = #"service_kind="headless_with_selector""#
        #expect(samples["\(programming)_bucket{\(kind),le=\"0.002\"}"] == "0")
        #expect(samples["\(programming)_bucket{\(kind),le=\"0.004\"}"] == "1")
        #expect(samples["\(programming)_bucket{\(kind),le=\"524.288\"}"] == "1")
        #expect(samples["\(programming)_count{\(kind)}"] == "2")
        #expect(samples.keys.filter { $0.hasPrefix("\(programming)_bucket") }.count == 21)
        let host = #"host="192.0.2.1:6443""#
        #expect(
            samples.filter { $0.key.hasPrefix("coredns_kubernetes_rest_client_requests_total") } == [
                #"coredns_kubernetes_rest_client_requests_total{code="200",\#(host),method="GET"}"#: "3",
                #"coredns_kubernetes_rest_client_requests_total{code="410",\#(host),method="GET"}"#: "1",
                #"coredns_kubernetes_rest_client_requests_total{code="<error>",\#(host),method="GET"}"#: "1",
                #"coredns_kubernetes_rest_client_requests_total{code="409",\#(host),method="PATCH"}"#: "1",
                #"coredns_kubernetes_rest_client_requests_total{code="<error>",\#(host),method="POST"}"#: "1",
                #"coredns_kubernetes_rest_client_requests_total{code="other",\#(host),method="PUT"}"#: "1",
            ])
        // Of watches it is not told how long they took.
        #expect(
            samples["coredns_kubernetes_rest_client_request_duration_seconds_count{verb=\"GET\",\(host)}"] == "2")
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
