import Foundation
import Glibc
import NetworkTypes
import Passwords
import Synchronization
import Testing

@testable import ProxyEngine

@Suite("Routes for who knows a password") struct BasicAuthenticationTests {
    private typealias Client = HTTP2TestClient

    /// Of `secret`, made by htpasswd with a low cost.
    private static let slow = "$2y$05$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm"
    private static let quick = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="

    private static func file(_ text: String) throws -> PasswordFile { try PasswordFile(lines: Array(text.utf8)) }

    private static func configuration(_ chain: FilterChain, _ upstream: FakeUpstream) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes = [
            .init(path: "/", match: .prefix, upstream: 0, filters: chain),
            .init(path: "/free", match: .prefix, upstream: 0),
        ]
        return configuration
    }

    private static func field(_ user: String, _ password: String) -> String {
        "Authorization: Basic \(Data("\(user):\(password)".utf8).base64EncodedString())\r\n"
    }

    private static func h2(_ user: String, _ password: String) -> [(String, String)] {
        Client.get("/echo") + [("authorization", "Basic " + Data("\(user):\(password)".utf8).base64EncodedString())]
    }

    @Test(arguments: [slow, quick])
    func `who knows one comes in, and others are asked for it`(hash: String) async throws {
        let upstream = FakeUpstream()
        let rule = BasicAuthentication(realm: "the \"inner\" \\ room\r\nX: y", users: try Self.file("ann:\(hash)"))
        let harness = try EngineHarness(Self.configuration(FilterChain(basicAuthentication: rule), upstream))
        let challenge = #"Basic realm="the \"inner\" \\ roomX: y""#
        for fields in [
            "", Self.field("ann", "wrong"), Self.field("bob", "secret"), Self.field("", ""),
            "Authorization: Bearer abc\r\n", "Authorization: Basic !!!\r\n", "Authorization: Basic\r\n",
            "Authorization: Basic YW5u\r\n", Self.field("ann", "secret") + Self.field("ann", "wrong"),
        ] {
            let answer = harness.get("/echo", fields: fields)
            #expect(answer?.status == 401 && answer?["WWW-Authenticate"] == challenge, "\(fields)")
        }
        #expect(upstream.requests.isEmpty)
        for _ in 0..<2 {
            let answer = harness.get("/echo", fields: Self.field("ann", "secret"))
            #expect(answer?.status == 200 && answer?["WWW-Authenticate"] == nil)
        }
        #expect(harness.get("/echo", fields: "aUTHORIZATION: basic  YW5uOnNlY3JldA==\r\n")?.status == 200)
        #expect(harness.get("/free/echo")?.status == 200)
        let client = Client(harness.connect())
        client.head(1, Self.h2("ann", "wrong"))
        let refused = client.answer(1)
        #expect(refused.status == 401 && refused["www-authenticate"] == challenge)
        client.head(3, Self.h2("ann", "secret"))
        #expect(client.answer(3).status == 200)
        // The password is the proxy's business.
        let lines = upstream.requests.flatMap(\.fields).map { $0.name.lowercased() }
        #expect(upstream.requests.count == 5 && !lines.contains("authorization"))
        await harness.stop()
        upstream.stop()
    }

    @Test func `a body and the requests behind it wait for the password`() async throws {
        let upstream = FakeUpstream()
        let rule = BasicAuthentication(realm: "", users: try Self.file("ann:\(Self.slow)"))
        let harness = try EngineHarness(Self.configuration(FilterChain(basicAuthentication: rule), upstream))
        let socket = harness.connect()
        let body = String(repeating: "x", count: 200_000)
        let length = "Content-Length: \(body.count)\r\n\r\n\(body)"
        let post = "POST /echo HTTP/1.1\r\nHost: a\r\n\(Self.field("ann", "secret"))\(length)"
        socket.send(post + "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n" + post)
        #expect(socket.readResponse()?.status == 200)
        #expect(socket.readResponse()?.status == 401)
        #expect(socket.readResponse()?.status == 200)
        #expect(upstream.requests.map { $0.body.count } == [body.count, body.count])
        // Nobody who is refused is told to send a body.
        socket.send(
            "POST /echo HTTP/1.1\r\nHost: a\r\n\(Self.field("ann", "wrong"))Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        #expect(socket.readResponse()?.status == 401)
        await harness.stop()
        upstream.stop()
    }

    @Test func `without passwords nobody comes in`() async throws {
        let upstream = FakeUpstream()
        let any = SourceRule(allowed: AddressSet([CIDR(network: "127.0.0.0/8")].compactMap(\.self)))
        for chain in [
            FilterChain(basicAuthentication: BasicAuthentication(realm: "", users: nil)),
            FilterChain(
                sources: any, basicAuthentication: BasicAuthentication(realm: "", users: nil), satisfiesAny: true),
        ] {
            let harness = try EngineHarness(Self.configuration(chain, upstream))
            for fields in ["", Self.field("ann", "secret"), Self.field("", "")] {
                #expect(harness.get("/echo", fields: fields)?.status == 503)
            }
            await harness.stop()
        }
        #expect(upstream.requests.isEmpty)
        upstream.stop()
    }

    @Test(arguments: [
        // Whether the address is allowed, denied, and either is enough: the status without and with the password.
        (allowed: true as Bool?, denied: false, any: true, without: 200, with: 200), (false, false, true, 401, 200),
        (true, false, false, 401, 200), (false, false, false, 403, 403), (nil, true, true, 401, 200),
        (nil, true, false, 403, 403), (nil, false, true, 401, 200), (true, true, true, 401, 200),
    ])
    func `an address and a password are both needed, or either`(
        allowed: Bool?, denied: Bool, any: Bool, without: Int, with: Int
    ) async throws {
        func networks(_ text: String) -> AddressSet { AddressSet([CIDR(network: text)].compactMap(\.self)) }
        let upstream = FakeUpstream()
        let rule = SourceRule(
            allowed: allowed.map { networks($0 ? "127.0.0.0/8" : "10.0.0.0/8") },
            denied: denied ? networks("127.0.0.0/8") : AddressSet([]))
        let users = try Self.file("ann:\(Self.quick)")
        let chain = FilterChain(
            sources: rule, basicAuthentication: BasicAuthentication(realm: "", users: users), satisfiesAny: any)
        let harness = try EngineHarness(Self.configuration(chain, upstream))
        #expect(harness.get("/echo")?.status == without)
        #expect(harness.get("/echo", fields: Self.field("ann", "secret"))?.status == with)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a flood of wrong passwords keeps other routes and clients with known passwords going`() async throws {
        let upstream = FakeUpstream()
        // About a quarter of a second each.
        let costly = "$2y$12$NRJ59Qz4kOU3NmeMxHr76.gPZLF0Xfx5pvHKfFd7Bfw0qcbrqNQOm"
        let users = try Self.file("ann:\(costly)\nbob:\(Self.quick)")
        let chain = FilterChain(basicAuthentication: BasicAuthentication(realm: "", users: users))
        let harness = try EngineHarness(Self.configuration(chain, upstream))
        let flood = (0..<40).map { index in
            let socket = harness.connect()
            socket.send("GET /echo HTTP/1.1\r\nHost: a\r\n\(Self.field("ann", "wrong\(index)"))\r\n")
            return socket
        }
        #expect(harness.get("/free/echo")?.status == 200)
        #expect(harness.get("/echo", fields: Self.field("bob", "secret"))?.status == 200)
        let answers = flood.compactMap { $0.readResponse() }
        let refused = answers.filter { $0.status == 429 }
        // Of one client a few wait, and one or two are being checked; the others are told at once.
        #expect(answers.count == 40 && refused.count >= 20)
        #expect(answers.allSatisfy { $0.status == 429 || $0.status == 401 })
        #expect(refused.allSatisfy { $0["Retry-After"] == "1" && $0.text.contains("Too many passwords wait") })
        await harness.stop()
        upstream.stop()
    }

    @Test func `who was taken out of the file is not let in by what is remembered or under way`() async throws {
        let upstream = FakeUpstream()
        func chain(_ text: String) throws -> FilterChain {
            FilterChain(basicAuthentication: BasicAuthentication(realm: "", users: try Self.file(text)))
        }
        let harness = try EngineHarness(Self.configuration(try chain("ann:\(Self.slow)"), upstream))
        #expect(harness.get("/echo", fields: Self.field("ann", "secret"))?.status == 200)
        // The same content as another object changes nothing.
        _ = harness.engine.apply(Self.configuration(try chain("ann:\(Self.slow)"), upstream))
        #expect(harness.get("/echo", fields: Self.field("ann", "secret"))?.status == 200)
        _ = harness.engine.apply(Self.configuration(try chain("bob:\(Self.slow)"), upstream))
        #expect(harness.get("/echo", fields: Self.field("ann", "secret"))?.status == 401)
        #expect(harness.get("/echo", fields: Self.field("bob", "secret"))?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a client that goes while its password is checked leaves nothing behind`() async throws {
        let upstream = FakeUpstream()
        let rule = BasicAuthentication(realm: "", users: try Self.file("ann:\(Self.slow)"))
        let harness = try EngineHarness(Self.configuration(FilterChain(basicAuthentication: rule), upstream))
        for _ in 0..<30 {
            let socket = harness.connect()
            socket.send("GET /echo HTTP/1.1\r\nHost: a\r\n\(Self.field("ann", "secret"))\r\n")
            socket.close()
        }
        let counters = await harness.counters { $0.connectionsOpen == 0 }
        #expect(counters.connectionsOpen == 0)
        // Its places are free again when what it had asked for was checked.
        var statuses: [Int?] = []
        for _ in 0..<200 where statuses.last != 200 {
            statuses.append(harness.get("/echo", fields: Self.field("ann", "secret"))?.status)
        }
        #expect(statuses.last == 200)
        await harness.stop()
        upstream.stop()
    }
}
