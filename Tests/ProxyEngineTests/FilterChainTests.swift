import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("What filters make of requests") struct FilterChainTests {
    private typealias Client = HTTP2TestClient

    /// `/` with the filters, `/free` without, and the filters for what no route of `default.example` matches.
    private static func harness(_ chain: FilterChain, _ upstream: FakeUpstream, redirects: Bool = false) throws
        -> EngineHarness
    {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes = [
            .init(path: "/", match: .prefix, upstream: 0, filters: chain),
            .init(path: "/free", match: .prefix, upstream: 0),
        ]
        configuration.hosts[0].redirectsToHTTPS = redirects
        configuration.hosts.append(
            .init(host: .exact("default.example"), routes: [], defaultUpstream: 0, defaultFilters: chain))
        return try EngineHarness(configuration)
    }

    private static func networks(_ texts: String...) -> AddressSet {
        AddressSet(texts.compactMap { CIDR(network: $0) })
    }

    @Test(arguments: [
        (SourceRule(allowed: networks("127.0.0.0/8")), true),
        (SourceRule(allowed: networks("10.0.0.0/8", "::1")), false),
        (SourceRule(allowed: networks("127.0.0.1"), denied: networks("127.0.0.0/24")), false),
        (SourceRule(denied: networks("127.0.0.2")), true), (SourceRule(denied: networks("127.0.0.1")), false),
        (SourceRule(allowed: networks()), false),
    ])
    func `who may not come gets 403 before any upstream is asked`(rule: SourceRule, isAdmitted: Bool) async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(FilterChain(sources: rule), upstream)
        let status = isAdmitted ? 200 : 403
        #expect(harness.get("/echo")?.status == status)
        #expect(harness.get("/echo", host: "default.example")?.status == status)
        #expect(harness.get("/free/echo")?.status == 200)
        let client = Client(harness.connect())
        client.head(1, Client.get("/echo"))
        #expect(client.answer(1).status == status)
        if !isAdmitted {
            #expect(upstream.requests.map(\.startLine) == ["GET /free/echo HTTP/1.1"])
            // The connection goes on behind a request that had no body.
            let socket = harness.connect()
            for _ in 0..<2 {
                socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(socket.readResponse()?.status == 403)
            }
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
            let refused = socket.readResponse()
            #expect(refused?.status == 403 && refused?["Connection"] == "close")
        }
        await harness.stop()
        upstream.stop()
    }

    @Test func `another address of the client is another answer`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(FilterChain(sources: SourceRule(denied: Self.networks("127.0.0.9"))), upstream)
        for (address, status) in [(0x7F00_0009, 403), (0x7F00_0008, 200)] {
            let socket = try TestSocket(connectingTo: harness.port, from: IPAddress(v4: UInt32(address)))
            // What a client says of itself counts for nothing.
            socket.send("GET /echo HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.8\r\nX-Real-IP: 127.0.0.8\r\n\r\n")
            #expect(socket.readResponse()?.status == status)
        }
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [
        ([RedirectRule.Part.text(Array("https://new.example/x".utf8))], "https://new.example/x"),
        ([.text(Array("https://new.example".utf8)), .pathAndQuery], "https://new.example/a/b?c=d&e"),
        (
            [.scheme, .text(Array("://".utf8)), .host, .text(Array(":8443/x".utf8)), .path, .queryMark, .query],
            "http://a.example:8443/x/a/b?c=d&e"
        ),
    ])
    func `requests are sent elsewhere`(parts: [RedirectRule.Part], location: String) async throws {
        let upstream = FakeUpstream()
        for status in [301, 302, 303, 307, 308] {
            let chain = FilterChain(redirect: RedirectRule(status: Int32(status), location: parts))
            let harness = try Self.harness(chain, upstream)
            let answer = harness.get("/a/b?c=d&e")
            #expect(answer?.status == status && answer?["Location"] == location)
            #expect(answer?.text.contains("<center><h1>\(status) ") == true)
            let client = Client(harness.connect())
            client.head(1, Client.get("/a/b?c=d&e"))
            let other = client.answer(1)
            #expect(other.status == status)
            #expect(other.fields.first { $0.name == "location" }?.value == location)
            await harness.stop()
        }
        #expect(upstream.requests.isEmpty)
        upstream.stop()
    }

    @Test(arguments: [
        ("a.example", "http://a.example/app"), ("a.example:8080", "http://a.example:8080/app"),
        ("a.example.:80", "http://a.example:80/app"), ("[::1]:8080", "http://[::1]:8080/app"),
    ])
    func `the port that the client has named stays`(host: String, location: String) async throws {
        let upstream = FakeUpstream()
        let parts: [RedirectRule.Part] = [
            .scheme, .text(Array("://".utf8)), .host, .port, .text(Array("/app".utf8)),
        ]
        let harness = try Self.harness(FilterChain(redirect: RedirectRule(status: 302, location: parts)), upstream)
        #expect(harness.get("/", host: host)?["Location"] == location)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a location is never longer than what heads may be`() async throws {
        let upstream = FakeUpstream()
        let parts: [RedirectRule.Part] = [
            .text([UInt8](repeating: 0x61, count: 2_048)), .pathAndQuery, .path, .queryMark, .query,
        ]
        let harness = try Self.harness(FilterChain(redirect: RedirectRule(status: 302, location: parts)), upstream)
        let short = harness.get("/" + String(repeating: "x", count: 1_000))
        #expect(short?.status == 302 && short?["Location"]?.utf8.count == 2_048 + 2 * 1_001)
        #expect(harness.get("/" + String(repeating: "x", count: 8_100))?.status == 414)
        await harness.stop()
        upstream.stop()
    }

    @Test func `plain HTTP goes to HTTPS as the route says, whatever the host says`() async throws {
        let upstream = FakeUpstream()
        for (rule, ofHost, status) in [
            (FilterChain.HTTPSRedirect.never, true, 200), (.always, false, 308), (.asHost, true, 308),
            (.asHost, false, 200),
        ] {
            let harness = try Self.harness(FilterChain(httpsRedirect: rule), upstream, redirects: ofHost)
            let answer = harness.get("/echo?x")
            #expect(answer?.status == status)
            if status == 308 { #expect(answer?["Location"] == "https://a.example/echo?x") }
            #expect(harness.get("/free/echo")?.status == (ofHost ? 308 : 200))
            await harness.stop()
        }
        upstream.stop()
    }

    @Test func `whoever names no host is not let in where HTTPS is wanted, and sent nowhere`() async throws {
        let upstream = FakeUpstream()
        let location: [RedirectRule.Part] = [.text(Array("https://".utf8)), .host, .pathAndQuery]
        for chain in [
            FilterChain(httpsRedirect: .always), FilterChain(redirect: RedirectRule(status: 302, location: location)),
        ] {
            let harness = try Self.harness(chain, upstream)
            for fields in ["", "Host:\r\n", "Host: :80\r\n"] {
                let socket = harness.connect()
                socket.send("GET /x HTTP/1.0\r\n\(fields)\r\n")
                #expect(socket.readResponse()?.status == 400, "\(fields)")
            }
            let socket = harness.connect()
            socket.send("OPTIONS * HTTP/1.1\r\nHost: default.example\r\n\r\n")
            #expect(socket.readResponse()?["Location"] == "https://default.example/")
            await harness.stop()
        }
        #expect(upstream.requests.isEmpty)
        upstream.stop()
    }

    @Test(arguments: [(10, 10, 200), (10, 11, 413), (0, 2_000_000, 200), (2_000_000, 1_500_000, 200)])
    func `a route has a bound for bodies of its own`(most: Int, size: Int, status: Int) async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(FilterChain(maxBodyBytes: most), upstream)
        for isChunked in [false, true] {
            let socket = harness.connect()
            let body = [UInt8](repeating: 0x61, count: size)
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(size)"
            socket.send("POST /status/200 HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
            if isChunked { socket.send("\(String(size, radix: 16))\r\n") }
            socket.send(body)
            if isChunked { socket.send("\r\n0\r\n\r\n") }
            #expect(socket.readResponse()?.status == status, "chunked: \(isChunked)")
        }
        // Others have the bound of all, 1 MiB.
        let socket = harness.connect()
        socket.send("POST /free/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000\r\n\r\n")
        #expect(socket.readResponse()?.status == 413)
        await harness.stop()
        upstream.stop()
    }

    @Test func `upstreams are told another host`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(FilterChain(upstreamHost: Array("inner.example:8080".utf8)), upstream)
        let text = try #require(harness.get("/echo")?.text)
        #expect(text.contains("Host: inner.example:8080\n") && text.contains("X-Forwarded-Host: a.example\n"))
        #expect(!text.contains("\nHost: a.example\n"))
        #expect(harness.get("/free/echo")?.text.contains("Host: a.example\n") == true)
        await harness.stop()
        upstream.stop()
    }
}
