import Foundation
import Glibc
import NetworkTypes
import Passwords
import Testing

@testable import ProxyEngine

@Suite("Routes about which a service is asked") struct ExternalAuthenticationTests {
    private typealias Client = HTTP2TestClient

    private static func text(_ text: String) -> RequestText.Part { .text(Array(text.utf8)) }

    private static func rule(_ target: String, signIn: Bool = false, upstream: Int? = 1) -> ExternalAuthentication {
        ExternalAuthentication(
            upstream: upstream, target: RequestText(parts: [text(target)]),
            host: RequestText(parts: [text("auth.example")]),
            signIn: signIn
                ? RequestText(parts: [
                    text("https://login.example/?rd="), .scheme, text("://"), .authority, .escapedPathAndQuery,
                ])
                : nil, passedFields: [Array("x-user".utf8), Array("x-groups".utf8)])
    }

    /// A service that answers by the question's path.
    private static func service() -> FakeUpstream {
        FakeUpstream(name: "auth") { socket, message in
            let path = message.startLine.split(separator: " ").dropFirst().first.map(String.init) ?? ""
            func answer(_ status: String, _ fields: String = "", body: String = "") {
                socket.send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
            switch path {
            case "/yes":
                answer("200 OK", "X-User: ann\r\nX-Other: no\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n", body: "hello")
            case "/none": answer("204 No Content")
            case "/no": answer("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"x\"\r\nSet-Cookie: e=f\r\n")
            case "/never": answer("403 Forbidden")
            case "/odd": answer("302 Found", "Location: https://elsewhere.example/\r\n")
            case "/long": answer("200 OK", "X-User: " + String(repeating: "x", count: 60_000) + "\r\n")
            case "/garbage": socket.send("nonsense\r\n\r\n")
            case "/close": return false
            case "/early": answer("103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK", "X-User: bob\r\n")
            case "/endless":
                socket.send("HTTP/1.1 200 OK\r\nX-User: eve\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            default: answer("500 Internal Server Error")
            }
            return true
        }
    }

    private static func harness(
        _ chain: FilterChain, _ upstream: FakeUpstream, _ service: SocketAddress
    ) throws -> EngineHarness {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes = [
            .init(path: "/", match: .prefix, upstream: 0, filters: chain),
            .init(path: "/free", match: .prefix, upstream: 0),
        ]
        configuration.upstreams.append(.init(name: "auth", endpoints: [service]))
        return try EngineHarness(configuration)
    }

    @Test(arguments: [
        ("/yes", 200), ("/none", 200), ("/no", 401), ("/never", 403), ("/odd", 500), ("/long", 500), ("/garbage", 500),
        ("/close", 500), ("/early", 200), ("/endless", 200), ("/broken", 500),
    ])
    func `who is let in comes in, and nobody else`(target: String, status: Int) async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        let harness = try Self.harness(
            FilterChain(externalAuthentication: Self.rule(target)), upstream, service.address)
        for _ in 0..<2 { #expect(harness.get("/echo?a=b")?.status == status) }
        #expect(harness.get("/free/echo")?.status == 200)
        let client = Client(harness.connect())
        client.head(1, Client.get("/echo"))
        #expect(client.answer(1).status == status)
        #expect(upstream.requests.count == (status == 200 ? 4 : 1))
        #expect(service.requests.count >= 3)
        await harness.stop()
        upstream.stop()
        service.stop()
    }

    @Test func `no question is asked about a question`() async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        let harness = try Self.harness(
            FilterChain(externalAuthentication: Self.rule("/yes")), upstream, service.address)
        #expect(harness.get("/echo")?.status == 200)
        let question = try #require(service.requests.first)
        #expect(question.all("X-Martlet-Question") == ["1"])
        #expect(harness.get("/echo", fields: "X-Martlet-Question: 1\r\n")?.status == 500)
        #expect(service.requests.count == 1)
        await harness.stop()
        upstream.stop()
        service.stop()
    }

    @Test func `what a request brings into a URL stays in its place`() async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        let rule = ExternalAuthentication(
            upstream: 1,
            target: RequestText(parts: [
                Self.text("/no/"), .argument(Array("x".utf8)), Self.text("?u="), .pathAndQuery,
            ]), host: RequestText(parts: [.host]))
        let harness = try Self.harness(FilterChain(externalAuthentication: rule), upstream, service.address)
        #expect(harness.get("/echo?x=ok?z=1/%20&role=admin")?.status == 500)
        #expect(
            service.requests.last?.startLine
                == "GET /no/ok%3Fz%3D1%2F%20?u=/echo?x=ok?z=1/%20%26role=admin HTTP/1.1")
        #expect(harness.get("/echo?x=..")?.status == 414)
        #expect(service.requests.count == 1)
        await harness.stop()
        upstream.stop()
        service.stop()
    }

    @Test func `the service is told of the request, and the upstream what the service says`() async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        let harness = try Self.harness(
            FilterChain(externalAuthentication: Self.rule("/yes")), upstream, service.address)
        let socket = harness.connect()
        socket.send(
            "POST /echo?a=b HTTP/1.1\r\nHost: a.example:81\r\nX-User: root\r\nX-GROUPS: wheel\r\nx_user: root\r\nX-Other: mine\r\n"
                + "Authorization: Bearer t\r\nCookie: s=1\r\nX-Original-URL: http://b/\r\nX-Sent-From: me\r\n"
                + "X-Auth-Request-Redirect: /x\r\nX-Forwarded-For: 1.2.3.4\r\nContent-Length: 5\r\n\r\nhello")
        let answer = try #require(socket.readResponse())
        #expect(answer.status == 200)
        #expect(answer.all("Set-Cookie") == ["a=b", "c=d"])
        let question = try #require(service.requests.first)
        #expect(question.startLine == "GET /yes HTTP/1.1" && question.body.isEmpty)
        for (name, value) in [
            ("Host", "auth.example"), ("X-Original-URL", "http://a.example:81/echo?a=b"), ("X-Original-Method", "POST"),
            ("X-Sent-From", "nginx-ingress-controller"), ("X-Real-IP", "127.0.0.1"), ("X-Forwarded-For", "127.0.0.1"),
            ("X-Auth-Request-Redirect", "/echo?a=b"), ("Authorization", "Bearer t"), ("Cookie", "s=1"),
            ("X-User", "root"),
        ] {
            #expect(question.all(name) == [value], "\(name)")
        }
        #expect(question["Content-Length"] == nil)
        let request = try #require(upstream.requests.first)
        #expect(request.startLine == "POST /echo?a=b HTTP/1.1" && request.text == "hello")
        #expect(request.all("X-User") == ["ann"] && request.all("X-Groups") == [])
        #expect(request.all("x_user") == [] && request.all("X-Other") == ["mine"])
        #expect(request.all("Authorization") == ["Bearer t"])
        // What comes behind the content says nothing of who it is either.
        socket.send(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
                + "X-Groups: wheel\r\n\r\n")
        #expect(socket.readResponse()?.status == 200)
        let last = try #require(upstream.requests.last)
        #expect(last.text == "hi" && last.isComplete && last.all("X-Groups") == [])
        await harness.stop()
        upstream.stop()
        service.stop()
    }

    @Test func `who is not known is sent to sign in, or told what is asked for`() async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        for signsIn in [false, true] {
            let harness = try Self.harness(
                FilterChain(externalAuthentication: Self.rule("/no", signIn: signsIn)), upstream, service.address)
            let answer = harness.get("/a b/?c=d&e".replacingOccurrences(of: " ", with: "%20"), host: "a.example:81")
            #expect(answer?.status == (signsIn ? 302 : 401))
            #expect(
                answer?["Location"]
                    == (signsIn ? "https://login.example/?rd=http://a.example:81%2Fa%2520b%2F%3Fc%3Dd%26e" : nil))
            #expect(answer?["WWW-Authenticate"] == (signsIn ? nil : "Bearer realm=\"x\""))
            #expect(answer?.all("Set-Cookie") == ["e=f"])
            await harness.stop()
        }
        #expect(upstream.requests.isEmpty)
        upstream.stop()
        service.stop()
    }

    @Test func `what a request brings into the question's URL ends nothing there`() async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        let rule = ExternalAuthentication(
            upstream: 1,
            target: RequestText(parts: [
                Self.text("/yes?h="), .host, Self.text("&x="), .field(Array("x-tenant".utf8)), Self.text("&c="),
                .cookie(Array("s".utf8)), Self.text("&a="), .argument(Array("q".utf8)), Self.text("&m="), .method,
            ]), host: RequestText(parts: [.host]))
        let harness = try Self.harness(FilterChain(externalAuthentication: rule), upstream, service.address)
        _ = harness.get(
            "/echo?q=1%0d%0a", host: "a.example",
            fields: "X-Tenant: a HTTP/1.1 <b>\"é#\r\nCookie: s=x{y}\r\n")
        #expect(
            service.requests.first?.startLine
                == "GET /yes?h=a.example&x=a%20HTTP%2F1.1%20%3Cb%3E%22%C3%A9%23&c=x%7By%7D&a=1%0d%0a&m=GET HTTP/1.1")
        await harness.stop()
        upstream.stop()
        service.stop()
    }

    @Test func `where nobody can be asked nobody comes in`() async throws {
        let upstream = FakeUpstream()
        let closed = FilterChain(externalAuthentication: Self.rule("/yes", upstream: nil))
        let harness = try Self.harness(closed, upstream, upstream.address)
        #expect(harness.get("/echo")?.status == 503)
        await harness.stop()
        // Nobody listens there.
        let gone = FakeUpstream()
        let address = gone.address
        gone.stop()
        let dead = try Self.harness(FilterChain(externalAuthentication: Self.rule("/yes")), upstream, address)
        #expect(dead.get("/echo")?.status == 500)
        await dead.stop()
        #expect(upstream.requests.isEmpty)
        upstream.stop()
    }

    @Test func `bodies and the requests behind them wait, and a client that goes takes its question along`()
        async throws
    {
        let upstream = FakeUpstream()
        let service = Self.service()
        let harness = try Self.harness(
            FilterChain(externalAuthentication: Self.rule("/yes")), upstream, service.address)
        let socket = harness.connect()
        let body = String(repeating: "x", count: 200_000)
        let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)"
        socket.send(post + "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n" + post)
        for _ in 0..<3 { #expect(socket.readResponse()?.status == 200) }
        #expect(upstream.requests.map { $0.body.count } == [body.count, 0, body.count])
        await harness.stop()

        let silent = FakeUpstream(raw: { _ = $0.readToEnd() })
        let waiting = try Self.harness(
            FilterChain(externalAuthentication: Self.rule("/yes")), upstream, silent.address)
        let sockets = (0..<20).map { _ in
            let socket = waiting.connect()
            socket.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
            return socket
        }
        let client = Client(waiting.connect())
        client.head(1, Client.get("/echo"))
        let asked = await waiting.counters { $0.upstreamConnectionsOpen == 21 }
        #expect(asked.upstreamConnectionsOpen == 21)
        for socket in sockets + [client.socket] { socket.close() }
        let counters = await waiting.counters { $0.connectionsOpen == 0 && $0.upstreamConnectionsOpen == 0 }
        #expect(counters.connectionsOpen == 0 && counters.upstreamConnectionsOpen == 0)
        await waiting.stop()
        upstream.stop()
        service.stop()
        silent.stop()
    }

    @Test func `a password and the service are both asked for, or the address is enough`() async throws {
        let upstream = FakeUpstream()
        let service = Self.service()
        let users = try PasswordFile(lines: Array("ann:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1".utf8))
        let both = FilterChain(
            basicAuthentication: BasicAuthentication(realm: "", users: users),
            externalAuthentication: Self.rule("/yes"))
        let field = "Authorization: Basic \(Data("ann:secret".utf8).base64EncodedString())\r\n"
        let harness = try Self.harness(both, upstream, service.address)
        #expect(harness.get("/echo")?.status == 401)
        #expect(service.requests.isEmpty)
        for _ in 0..<2 { #expect(harness.get("/echo", fields: field)?.status == 200) }
        #expect(service.requests.count == 2 && upstream.requests.allSatisfy { $0["X-User"] == "ann" })
        await harness.stop()
        let sources = SourceRule(allowed: AddressSet([CIDR(network: "127.0.0.0/8")].compactMap(\.self)))
        let any = FilterChain(sources: sources, externalAuthentication: Self.rule("/no"), satisfiesAny: true)
        let open = try Self.harness(any, upstream, service.address)
        let answer = open.get("/echo", fields: "X-User: root\r\n")
        #expect(answer?.status == 200 && service.requests.count == 2)
        // Nobody says who he is, also where nobody was asked.
        #expect(upstream.requests.last?["X-User"] == nil)
        await open.stop()
        upstream.stop()
        service.stop()
    }
}
