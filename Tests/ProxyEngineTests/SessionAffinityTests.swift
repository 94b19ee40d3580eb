import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Clients that stay with their endpoint by a cookie") struct SessionAffinityTests {
    private static let persistent = CookieAffinity(mode: .persistent(seed: Array("a seed".utf8)))

    private static func address(_ port: UInt16) -> SocketAddress { SocketAddress(ip: .loopbackV4, port: Port(port)) }

    /// A directory with one upstream, and what its clients see of it.
    private struct Room: ~Copyable {
        var directory = UpstreamDirectory(seed: 3)
        var affinity: CookieAffinity
        let now: UInt64 = 1_000_000_000

        init(_ affinity: CookieAffinity, ports: [UInt16]) {
            self.affinity = affinity
            set(ports)
        }

        mutating func set(_ ports: [UInt16]) {
            directory.install([
                .init(name: "a", endpoints: ports.map { SessionAffinityTests.address($0) }, affinity: affinity)
            ])
        }

        var state: UpstreamDirectory.State { directory.state(at: 0) }

        mutating func ask(_ value: UInt64, tried: [UInt16] = []) -> (port: UInt16, session: UpstreamDirectory.Session) {
            var session = UpstreamDirectory.Session(value: value)
            var failed = TriedEndpoints()
            for port in tried { failed.insert(handle(port)) }
            let chosen = directory.choose(for: state, session: &session, key: 0, tried: failed, now: now)
            return (directory.endpoints.resolve(chosen)?.pointee.address.port.rawValue ?? 0, session)
        }

        func handle(_ port: UInt16) -> Handle<Party.Endpoints> {
            for position in 0..<Int(state.pointee.endpointCount) {
                guard let handle = state.pointee.endpoints?[position] else { continue }
                if directory.endpoints[handle].pointee.address.port.rawValue == port { return handle }
            }
            return .none
        }
    }

    @Test(arguments: [CookieAffinity(), persistent])
    func `who comes without a cookie gets one, and stays`(affinity: CookieAffinity) {
        var room = Room(affinity, ports: [1, 2, 3])
        var seen: Set<UInt16> = []
        for _ in 0..<30 {
            let first = room.ask(0)
            #expect(first.session.isNew && first.session.value != 0)
            let again = room.ask(first.session.value)
            #expect(again.port == first.port && !again.session.isNew && again.session.value == first.session.value)
            seen.insert(first.port)
        }
        #expect(seen == [1, 2, 3])
    }

    @Test func `a new session is of the endpoint that serves it, however full the others are`() {
        var room = Room(CookieAffinity(), ports: [1, 2, 3])
        var pool = UpstreamPool()
        room.state.pointee.limits.requestsPerEndpoint = 1
        let busy = [1, 2].map { room.directory.endpoints[room.handle($0)] }
        let held = busy.map { (pool.open(to: $0), $0) }
        var sessions: [UInt64] = []
        for _ in 0..<20 {
            let first = room.ask(0)
            #expect(first.port == 3 && first.session.isNew)
            sessions.append(first.session.value)
        }
        for (connection, endpoint) in held { pool.close(connection, of: endpoint) }
        for session in sessions { #expect(room.ask(session).port == 3) }
    }

    @Test func `balanced clients share with an endpoint that comes, persistent ones stay`() {
        var balanced = Room(CookieAffinity(), ports: [1, 2, 3])
        var persistent = Room(Self.persistent, ports: [1, 2, 3])
        let clients = (0..<200).map { _ in (balanced.ask(0), persistent.ask(0)) }
        balanced.set([1, 2, 3, 4])
        persistent.set([1, 2, 3, 4])
        var moved = 0
        for (client, other) in clients {
            let now = balanced.ask(client.session.value)
            #expect(!now.session.isNew && (now.port == client.port || now.port == 4))
            if now.port == 4 { moved += 1 }
            #expect(persistent.ask(other.session.value).port == other.port)
        }
        #expect(moved > 20 && moved < 90, "\(moved) of 200")
    }

    @Test func `who has lost his endpoint gets another cookie where it names the endpoint`() {
        var room = Room(Self.persistent, ports: [1, 2, 3])
        let first = room.ask(0)
        room.set([1, 2, 3].filter { $0 != first.port })
        let next = room.ask(first.session.value)
        #expect(next.port != first.port && next.session.isNew && next.session.value != first.session.value)
    }

    @Test(arguments: [CookieAffinity.Mode.balanced, .persistent(seed: [1])], [true, false])
    func `a request is not sent to an endpoint that has failed it, and the cookie changes if it is meant to`(
        mode: CookieAffinity.Mode, changes: Bool
    ) {
        var room = Room(CookieAffinity(mode: mode, changesOnFailure: changes), ports: [1, 2, 3])
        let first = room.ask(0)
        let failed = room.ask(first.session.value, tried: [first.port])
        #expect(failed.port != first.port)
        #expect(failed.session.isNew == changes)
        let later = room.ask(failed.session.value)
        #expect(later.port == (changes ? failed.port : first.port))
        // Nobody else is left.
        #expect(room.ask(first.session.value, tried: [1, 2, 3]).port != 0)
    }

    @Test func `a cookie of one seed says nothing under another, and no address`() {
        let tag = EndpointTag.make(Self.address(80), seed: Array("one".utf8))
        #expect(tag != EndpointTag.make(Self.address(80), seed: Array("two".utf8)))
        #expect(tag != EndpointTag.make(Self.address(81), seed: Array("one".utf8)))
        #expect(tag == EndpointTag.make(Self.address(80), seed: Array("one".utf8)))
        var room = Room(Self.persistent, ports: [1, 2])
        let own = room.ask(0).session.value
        room.affinity = CookieAffinity(mode: .persistent(seed: Array("another".utf8)))
        room.set([1, 2])
        #expect(room.ask(own).session.isNew)
    }

    @Test(arguments: [
        ("", true), ("curl/8.5.0", true),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0 Safari/537.36", false),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/66.0 Safari/537.36", false),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/67", false),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0 Safari/537.36", true),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", true),
        ("Chrome/", true),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/602 CriOS/56 Safari/602.1", false),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 13_0 like Mac OS X) AppleWebKit/602 CriOS/56 Safari/602.1", true),
        ("Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) AppleWebKit/605 Version/13.0 Safari/604.1", false),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605 Version/12.1.2 Safari/605.1", false),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/537 Chrome/79.0 Safari/537.36", true),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_2) AppleWebKit/605 Version/13.0.4 Safari/605.1", true),
    ])
    func `browsers that misread SameSite=None are known by their names`(userAgent: String, knows: Bool) {
        var text = userAgent
        text.withUTF8 { #expect(SameSite.knowsNone($0) == knows) }
    }

    @Test func `SameSite=None is said to those who know it`() async throws {
        let upstream = FakeUpstream(name: "one")
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.upstreams[0].affinity = CookieAffinity(saysSameSiteNoneWhereKnown: true)
        let harness = try EngineHarness(configuration)
        #expect(harness.get("/echo")?["Set-Cookie"]?.hasSuffix("; Path=/; HttpOnly; SameSite=None") == true)
        let old = harness.get("/echo", fields: "User-Agent: Mozilla/5.0 Chrome/60.0 Safari/537.36\r\n")
        #expect(old?["Set-Cookie"]?.hasSuffix("; Path=/; HttpOnly") == true)
        await harness.stop()
        upstream.stop()
    }

    @Test func `the cookie is set once, with its attributes, and nonsense in it is nobody's`() async throws {
        let upstreams = ["one", "two", "three"].map { FakeUpstream(name: $0) }
        var configuration = EngineHarness.toAll(upstreams.map(\.address))
        configuration.upstreams[0].affinity = CookieAffinity(
            mode: .persistent(seed: Array("a seed".utf8)), name: Array("route".utf8),
            attributes: Array("; Path=/shop; HttpOnly".utf8), expires: 60)
        let harness = try EngineHarness(configuration)
        for target in ["/echo", "/length/300000", "/chunked/1000", "/close/1000", "/status/204"] {
            let first = try #require(harness.get(target))
            let cookie = try #require(first["Set-Cookie"])
            #expect(
                cookie.wholeMatch(
                    of: /route=[0-9a-f]{16}; Path=\/shop; HttpOnly; Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/)
                    != nil, "\(cookie)")
            let value = String(cookie.dropFirst(6).prefix(16))
            let served = Set(
                (0..<6).map { _ in
                    harness.get("/echo", fields: "Cookie: x=y; route=\(value)\r\n").flatMap { answer in
                        answer["Set-Cookie"] == nil ? answer["X-Served-By"] : "set again"
                    }
                })
            #expect(served.count == 1 && !served.contains("set again") && !served.contains(nil))
        }
        for nonsense in [
            "", "0000000000000000", "x", "127.0.0.1:80", "ABCDEF0123456789", String(repeating: "f", count: 16),
        ] {
            #expect(harness.get("/echo", fields: "Cookie: route=\(nonsense)\r\n")?["Set-Cookie"] != nil, "\(nonsense)")
        }
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `a connection that leaves HTTP has its cookie, too`() async throws {
        let upstream = FakeUpstream()
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.upstreams[0].affinity = CookieAffinity()
        let harness = try EngineHarness(configuration)
        let socket = harness.connect()
        socket.send("GET /upgrade HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        let answer = try #require(socket.readResponse())
        #expect(answer.status == 101)
        #expect(answer["Set-Cookie"]?.hasPrefix("INGRESSCOOKIE=") == true)
        #expect(socket.read(6) == Array("hello ".utf8))
        await harness.stop()
        upstream.stop()
    }
}
