import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

/// Routes that are regular expressions, and targets that upstreams get instead of the client's, over sockets.
@Suite("Rewritten targets") struct TargetRewriteTests {
    private static func configuration(
        _ endpoints: [SocketAddress], _ routes: [ProxyConfiguration.Route]
    ) -> ProxyConfiguration {
        ProxyConfiguration(
            listeners: [EngineHarness.listener], hosts: [.init(host: .any, routes: routes)],
            upstreams: [.init(name: "all", endpoints: endpoints)])
    }

    private static func route(
        _ path: String, start: String = "/", _ rewrite: TargetRewrite? = nil
    ) -> ProxyConfiguration.Route {
        .init(
            path: path, match: .pattern, upstream: 0,
            pattern: RoutePattern(expression: "^" + path, start: Array(start.utf8)), rewrite: rewrite)
    }

    private static let rewrite = TargetRewrite(
        path: [.text(Array("/new/".utf8)), .group(1)], forwardedPrefix: Array("/app".utf8))

    @Test func `the upstream gets the new target, the body and one prefix, and the log the client's line`() async throws
    {
        let upstream = FakeUpstream()
        let log = RecordingLog()
        let harness = try EngineHarness(
            Self.configuration([upstream.address], [Self.route("/app/(.*)", start: "/app/", Self.rewrite)]),
            accessLog: log)
        let socket = harness.connect()
        for index in 0..<3 {
            socket.send(
                "POST /APP/a%20b/\(index)?x=%2F HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /evil\r\nX-Kept: yes\r\n"
                    + "x-forwarded-prefix: /evil\r\nContent-Length: 4\r\n\r\nbody")
            let text = try #require(socket.readResponse()).text
            #expect(text.hasPrefix("POST /new/a%20b/\(index)?x=%2F HTTP/1.1\n"))
            #expect(text.contains("X-Forwarded-Prefix: /app\n") && !text.contains("/evil"))
            #expect(text.contains("X-Kept: yes\n") && text.hasSuffix("\n\nbody"))
        }
        let counters = await harness.counters { $0.statuses[200] == 3 }
        #expect(counters.routes.keys.contains("*/app/(.*) (regex)"), "\(counters.routes.keys)")
        #expect(log.entries.map(\.line) == (0..<3).map { "POST /APP/a%20b/\($0)?x=%2F HTTP/1.1" })
        socket.close()
        #expect(await harness.counters { $0.bufferedBytes == 0 }.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    /// RE2's own tables do not suffice for such expressions: it takes all of their steps at each byte.
    @Test func `a path that would keep its loop busy is too long, and others are not`() async throws {
        let upstream = FakeUpstream()
        let routes = (0..<10).map { Self.route("/(.*a){1,60}x\($0)$") }
        let harness = try EngineHarness(Self.configuration([upstream.address], routes))
        #expect(PathProgram("^/(.*){1,1000}x") == nil)
        let size = try #require(PathProgram("^/(.*a){1,60}x0$")).size
        let longest = HeaderPattern.mostWork / (10 * size)
        func status(_ count: Int) -> Int? {
            harness.get("/" + String(repeating: "a", count: count - 1))?.status
        }
        // Sizes differ by a step or two.
        #expect(status(longest - longest / 50) == 404)
        #expect(status(longest + longest / 50) == 414)
        #expect(harness.get("/" + String(repeating: "a", count: 60) + "x9")?.status == 200)
        let value = [UInt8](repeating: 0x61, count: 60_000)
        let pattern = try #require(HeaderPattern("(.*a){1,60}x$"))
        #expect(value.withUnsafeBufferPointer { pattern.matches($0) } == false)
        #expect(Array("aax".utf8).withUnsafeBufferPointer { pattern.matches($0) })
        await harness.stop()
        upstream.stop()
    }

    @Test func `what lies behind a guard that nobody can read is closed`() async throws {
        let upstream = FakeUpstream()
        func status(keepsPlace: Bool) async throws -> [Int?] {
            let closed = ProxyConfiguration.Route(
                path: "/(?!x)a.*", match: .pattern, upstream: 0,
                pattern: RoutePattern(expression: "^/(?!x)a.*", start: [0x2F], keepsPlace: keepsPlace))
            let harness = try EngineHarness(
                Self.configuration(
                    [upstream.address],
                    [Self.route("/a/longer/path", start: "/a/longer/path"), closed, Self.route("/")]
                ))
            let statuses = ["/a/longer/path", "/admin"].map { harness.get($0)?.status }
            await harness.stop()
            return statuses
        }
        #expect(try await status(keepsPlace: true) == [200, 503])
        #expect(try await status(keepsPlace: false) == [200, 200])
        upstream.stop()
    }

    @Test func `the first that matches is asked, and a change of routes keeps what is compiled`() async throws {
        let upstream = FakeUpstream()
        func rewrite(_ name: String) -> TargetRewrite { TargetRewrite(path: [.text(Array("/\(name)".utf8))]) }
        let routes = [
            Self.route("/a/[0-9]+", start: "/a/", rewrite("digits")), Self.route("/a/.*", start: "/a/", rewrite("all")),
            Self.route("/", rewrite("root")),
        ]
        let harness = try EngineHarness(Self.configuration([upstream.address], routes))
        func line(_ target: String) -> String? {
            harness.get(target)?.text.split(separator: "\n").first.map(String.init)
        }
        #expect(line("/a/12") == "GET /digits HTTP/1.1")
        #expect(line("/a/x?q") == "GET /all?q HTTP/1.1")
        #expect(line("/b") == "GET /root HTTP/1.1")
        #expect(harness.engine.apply(Self.configuration([upstream.address], Array(routes.dropFirst()))) == [])
        _ = await harness.engine.counters()
        #expect(line("/a/12") == "GET /all HTTP/1.1")
        #expect(harness.engine.apply(Self.configuration([upstream.address], [])) == [])
        _ = await harness.engine.counters()
        #expect(harness.get("/a/12")?.status == 404)
        await harness.stop()
        upstream.stop()
    }

    @Test func `an expression that takes backtracking engines for ever takes none of the loop's time`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness(
            Self.configuration(
                [upstream.address], [Self.route("/(a+)+$", start: "/a"), Self.route("/(.*)*x(.*)*y", start: "/")]))
        let long = "/" + String(repeating: "a", count: 7000)
        #expect(harness.get(long)?.status == 200)
        #expect(harness.get(long + "!")?.status == 404)
        #expect(harness.get(long + "xy")?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    private typealias Case = (
        path: String, arguments: [TargetRewrite.Part], keeps: Bool, query: String, target: String
    )

    private static let cases: [Case] = [
        ("/new", [], true, "a=1", "/new?a=1"), ("/new", [], true, "", "/new"), ("/new", [], false, "a=1", "/new"),
        ("/new", [.text(Array("b=2".utf8))], true, "a=1", "/new?b=2&a=1"),
        ("/new", [.text(Array("b=".utf8)), .group(1)], true, "", "/new?b=x%20%26%23"),
        ("/a b\"#%?\u{7F}\u{E9}\r\n", [], true, "", "/a%20b%22%23%25%3F%7F%C3%A9%0D%0A"),
    ]

    @Test(arguments: cases.indices)
    func `it is escaped and joined`(index: Int) {
        let (path, arguments, keeps, text, target) = Self.cases[index]
        let rewrite = TargetRewrite(
            path: [.text(Array(path.utf8))], arguments: arguments.isEmpty ? nil : arguments, keepsArguments: keeps)
        let matched = Array("/x &#".utf8)
        let query = Array(text.utf8)
        var captures = PathProgram.Captures(repeating: .max)
        captures[2] = 1
        captures[3] = 5
        var bytes = [UInt8](repeating: 0, count: 256)
        matched.withUnsafeBufferPointer { matched in
            query.withUnsafeBufferPointer { query in
                let source = TargetRewrite.Source(path: matched, captures: captures, query: query, isQuoted: true)
                #expect(rewrite.write(source, to: nil, room: 256) == .written(target.utf8.count))
                #expect(rewrite.write(source, to: nil, room: target.utf8.count - 1) == .tooLong)
                bytes.withUnsafeMutableBufferPointer { _ = rewrite.write(source, to: $0.baseAddress, room: 256) }
            }
        }
        #expect(String(decoding: bytes.prefix(target.utf8.count), as: UTF8.self) == target)
    }
}
