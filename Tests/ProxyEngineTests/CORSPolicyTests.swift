import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("What browsers are told of other origins") struct CORSPolicyTests {
    private typealias Client = HTTP2TestClient

    private static let lines = Array(
        "Access-Control-Allow-Methods: GET\r\nAccess-Control-Allow-Headers: X-One\r\nAccess-Control-Max-Age: 60\r\n"
            .utf8)

    private static func origin(_ start: String, _ end: String? = nil) -> CORSPolicy.Origin {
        .init(start: Array(start.utf8), end: end.map { Array($0.utf8) })
    }

    private static let some = CORSPolicy(
        origins: [origin("https://a.example.com"), origin("https://", ".example.org:8443")], lines: lines)

    private static func harness(_ policy: CORSPolicy, _ upstream: FakeUpstream) throws -> EngineHarness {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes[0].filters = FilterChain(cors: policy)
        return try EngineHarness(configuration)
    }

    /// Has an opinion of its own, as applications do.
    private static func upstream() -> FakeUpstream {
        FakeUpstream { socket, request in
            socket.send(
                "HTTP/1.1 200 OK\r\naccess-control-allow-origin: null\r\nVary: Accept\r\nX-Own: yes\r\nContent-Length: 2\r\n\r\nok"
            )
        }
    }

    @Test(arguments: [
        ("https://a.example.com", true), ("HTTPS://A.Example.COM", true), ("https://x.example.org:8443", true),
        ("https://x.y.example.org:8443", true), ("https://example.org:8443", false),
        ("https://.example.org:8443", false),
        ("http://a.example.com", false), ("https://a.example.com.evil.com", false), ("https://xa.example.com", false),
        ("https://evil.com/.example.org:8443", false), ("https://evil.com#.example.org:8443", false), ("null", false),
        ("https://a.example.com:443", false),
    ])
    func `an origin is said back where it may ask, and nothing to others`(origin: String, mayAsk: Bool) async throws {
        let upstream = Self.upstream()
        let harness = try Self.harness(Self.some, upstream)
        let answer = try #require(harness.get("/", fields: "Origin: \(origin)\r\n"))
        #expect(answer.status == 200 && answer["X-Own"] == "yes")
        // The application's word counts where we say nothing.
        #expect(answer.all("Access-Control-Allow-Origin") == [mayAsk ? origin : "null"])
        #expect(answer.all("Access-Control-Allow-Methods") == (mayAsk ? ["GET"] : []))
        #expect(answer.all("Vary").sorted() == ["Accept", "Origin"])

        let socket = harness.connect()
        socket.send(
            "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\nAccess-Control-Request-Method: GET\r\n\r\n")
        let preflight = try #require(socket.readResponse())
        #expect(preflight.status == (mayAsk ? 204 : 200))
        if mayAsk {
            #expect(preflight["Access-Control-Allow-Origin"] == origin && preflight["Access-Control-Max-Age"] == "60")
            #expect(preflight["Content-Length"] == nil && preflight["Content-Type"] == nil)
            socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.status == 200, "the connection is in step")
        }

        let client = Client(harness.connect())
        client.head(1, Client.get("/") + [("origin", origin)])
        client.head(3, [(":method", "OPTIONS")] + Client.get("/").dropFirst() + [("origin", origin)])
        let stream = client.answer(1)
        #expect(stream.status == 200)
        #expect(
            stream.fields.filter { $0.name == "access-control-allow-origin" }.map(\.value) == [mayAsk ? origin : "null"]
        )
        #expect(client.answer(3).status == (mayAsk ? 204 : 200))
        await harness.stop()
        upstream.stop()
    }

    @Test func `without a list every origin may ask, and errors of the proxy's own say so too`() async throws {
        let upstream = Self.upstream()
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes[0].filters = FilterChain(
            cors: CORSPolicy(lines: Self.lines), sources: SourceRule(denied: AddressSet([CIDR("127.0.0.2/32")!])))
        let harness = try EngineHarness(configuration)
        #expect(harness.get("/")?.all("Access-Control-Allow-Origin") == ["*"])
        let socket = try TestSocket(connectingTo: harness.port, from: IPAddress(v4: 0x7F00_0002))
        socket.send("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\n\r\n")
        let refused = try #require(socket.readResponse())
        #expect(refused.status == 403 && refused["Access-Control-Allow-Origin"] == "*")
        #expect(refused["Access-Control-Allow-Methods"] == "GET")
        await harness.stop()
        upstream.stop()
    }

    @Test func `an origin too long to be said back is none`() async throws {
        let upstream = Self.upstream()
        let policy = CORSPolicy(origins: [Self.origin("https://", ".example.com")], lines: Self.lines)
        let harness = try Self.harness(policy, upstream)
        for (length, mayAsk) in [(400, true), (600, false)] {
            let origin = "https://" + String(repeating: "x", count: length) + ".example.com"
            let answer = harness.get("/", fields: "Origin: \(origin)\r\n")
            #expect(answer?["Access-Control-Allow-Origin"] == (mayAsk ? origin : "null"))
        }
        await harness.stop()
        upstream.stop()
    }
}
