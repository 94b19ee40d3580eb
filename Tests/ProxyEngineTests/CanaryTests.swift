import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("Canaries take part of a route's requests") struct CanaryTests {
    private static func takes(
        _ rule: CanaryRule, _ fields: String = "", session: UInt64 = 0, keepsSessions: Bool = false, drawn: UInt64 = 99
    ) -> Bool? {
        let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        var head = HTTP1RequestHead()
        return text.withUnsafeBytes { window -> Bool? in
            guard head.parse(window, limits: HTTP1HeadLimits(headBytes: 4096)) == .complete else { return nil }
            var pattern: HeaderPattern?
            if case .pattern(let source)? = rule.header?.match { pattern = HeaderPattern(source) }
            return text.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { base in
                    withUnsafePointer(to: &head) {
                        rule.takes(
                            $0, base, pattern: pattern, session: session, keepsSessions: keepsSessions, drawn: drawn)
                    }
                }
            }
        }
    }

    private static func header(_ match: CanaryRule.Header.Match) -> CanaryRule.Header {
        CanaryRule.Header(name: Array("x-new".utf8), match: match)
    }

    private static let cookie = Array("new".utf8)

    @Test(arguments: [
        ("", 99, false), ("", 9, true), ("X-New: always\r\n", 99, true), ("x-new: never\r\n", 0, false),
        ("X-New: other\r\n", 99, false), ("X-New: other\r\n", 0, true), ("X-New: always \r\n", 99, true),
        ("X-New: Always\r\n", 99, false), ("Cookie: new=always\r\n", 99, true), ("Cookie: new=never\r\n", 0, false),
        ("Cookie: new=other\r\n", 0, true), ("X-New: never\r\nCookie: new=always\r\n", 0, false),
        ("X-New: always\r\nCookie: new=never\r\n", 99, true), ("X-New: x\r\nCookie: new=never\r\n", 0, false),
    ])
    func `a field comes before a cookie, that before the weight`(fields: String, drawn: UInt64, expected: Bool) {
        let rule = CanaryRule(header: Self.header(.word), cookie: Self.cookie, weight: 10)
        #expect(Self.takes(rule, fields, drawn: drawn) == expected)
    }

    @Test(arguments: [
        ("X-New: beta\r\n", true), ("X-New: always\r\n", false), ("X-New: never\r\n", false), ("", false),
        ("X-New: betaa\r\n", false),
    ])
    func `with a value only that means yes, and nothing no`(fields: String, expected: Bool) {
        let rule = CanaryRule(header: Self.header(.value(Array("beta".utf8))))
        #expect(Self.takes(rule, fields) == expected)
        let rest = CanaryRule(header: Self.header(.value(Array("beta".utf8))), weight: 100)
        #expect(Self.takes(rest, fields) == true)
    }

    @Test(arguments: [
        ("X-New: beta-7\r\n", "beta-[0-9]", true), ("X-New: my beta-7 x\r\n", "beta-[0-9]", true),
        ("X-New: my beta-7\r\n", "^beta", false), ("X-New: always\r\n", "^beta", false), ("", "", false),
        ("X-New:\r\n", "^$", true), ("X-New: x\r\n", "[", false),
    ])
    func `a pattern matches anywhere in the value, where there is one`(
        fields: String, pattern: String, expected: Bool
    ) {
        #expect(Self.takes(CanaryRule(header: Self.header(.pattern(pattern))), fields) == expected)
    }

    @Test func `a pattern takes time by the length of the value, whatever it is`() {
        let value = String(repeating: "a", count: 3000)
        let rule = CanaryRule(header: Self.header(.pattern("^(a+)+(a|aa)*b$")))
        for _ in 0..<200 { #expect(Self.takes(rule, "X-New: \(value)\r\n") == false) }
    }

    @Test(
        arguments: [(0, 100, 0), (1, 100, 1), (100, 100, 100), (200, 100, 100), (5, 1000, 5)] as [(Int32, Int32, Int)])
    func `the weight is so many of the total`(weight: Int32, total: Int32, expected: Int) {
        let rule = CanaryRule(weight: weight, total: total)
        #expect((0..<UInt64(total)).count { Self.takes(rule, drawn: $0) == true } == min(expected, Int(total)))
    }

    @Test func `a session stays where it is, whatever else is said`() {
        let rule = CanaryRule(header: Self.header(.word), weight: 50)
        let main = SessionCookie.marked(7, isCanary: false)
        let canary = SessionCookie.marked(6, isCanary: true)
        #expect(main == 6 && canary == 7 && SessionCookie.marked(0, isCanary: false) != 0)
        #expect(Self.takes(rule, "X-New: always\r\n", session: main, keepsSessions: true, drawn: 0) == false)
        #expect(Self.takes(rule, "X-New: never\r\n", session: canary, keepsSessions: true) == true)
        // Without sessions of its own a canary's clients are drawn for anew.
        #expect(Self.takes(rule, session: canary, keepsSessions: false, drawn: 99) == false)
        #expect(Self.takes(rule, session: canary, keepsSessions: false, drawn: 0) == true)
    }

    // MARK: Over sockets

    private static func configuration(
        _ main: [FakeUpstream], _ canary: [FakeUpstream], _ rule: CanaryRule, affinity: CookieAffinity? = nil
    ) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll(main.map(\.address))
        configuration.upstreams[0].affinity = affinity
        var taking = ProxyConfiguration.Upstream(name: "canary", endpoints: canary.map(\.address))
        taking.affinity = affinity
        taking.affinity?.isCanary = true
        configuration.upstreams.append(taking)
        configuration.hosts[0].routes[0].canary = ProxyConfiguration.Canary(rule: rule, upstream: 1)
        return configuration
    }

    @Test func `requests are shared by field, cookie and weight, and go to the main route without a canary`()
        async throws
    {
        let main = FakeUpstream(name: "main")
        let canary = FakeUpstream(name: "canary")
        let rule = CanaryRule(header: Self.header(.word), cookie: Self.cookie, weight: 30)
        var configuration = Self.configuration([main], [canary], rule)
        let harness = try EngineHarness(configuration)
        func served(_ fields: String) -> String? { harness.get("/echo", fields: fields)?["X-Served-By"] }
        for _ in 0..<4 {
            #expect(served("X-New: always\r\n") == "canary")
            #expect(served("X-New: never\r\n") == "main")
            #expect(served("Cookie: a=b; new=always\r\n") == "canary")
        }
        let share = (0..<200).count { _ in served("") == "canary" }
        // Six standard deviations on either side.
        #expect((21...99).contains(share), "\(share) of 200 at a weight of 30 of 100")
        configuration.upstreams[1].endpoints = []
        #expect(harness.engine.apply(configuration) == [])
        #expect(served("X-New: always\r\n") == "main")
        await harness.stop()
        main.stop()
        canary.stop()
    }

    @Test(arguments: [CookieAffinity.Mode.balanced, .persistent(seed: [1])])
    func `clients with a cookie stay with the canary, or beside it`(mode: CookieAffinity.Mode) async throws {
        let main = ["main", "main"].map { FakeUpstream(name: $0) }
        let canary = ["canary", "canary"].map { FakeUpstream(name: $0) }
        let rule = CanaryRule(header: Self.header(.word), weight: 50)
        let harness = try EngineHarness(
            Self.configuration(main, canary, rule, affinity: CookieAffinity(mode: mode, name: Array("r".utf8))))
        var served: Set<String> = []
        for _ in 0..<12 {
            let first = try #require(harness.get("/echo"))
            let by = try #require(first["X-Served-By"])
            let cookie = try #require(first["Set-Cookie"]?.prefix { $0 != ";" })
            served.insert(by)
            for word in ["always", "never"] {
                let again = harness.get("/echo", fields: "Cookie: \(cookie)\r\nX-New: \(word)\r\n")
                #expect(again?["X-Served-By"] == by && again?["Set-Cookie"] == nil)
            }
        }
        // One side alone is as likely as one in 2,048.
        #expect(served == ["main", "canary"])
        await harness.stop()
        for upstream in main + canary { upstream.stop() }
    }
}
