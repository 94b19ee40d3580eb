import Testing

@testable import ProxyEngine

/// The table of "Ingress: examples" (Kubernetes documentation, path matching): kind, paths, request path, the path
/// that matches or nil.
struct PathCase: Sendable, CustomTestStringConvertible {
    var routes: [(ProxyConfiguration.Route.Match, String)]
    var request: String
    var expected: Int?

    init(_ routes: [(ProxyConfiguration.Route.Match, String)], _ request: String, _ expected: Int?) {
        self.routes = routes
        self.request = request
        self.expected = expected
    }

    var testDescription: String { "\(routes.map(\.1)) ← \(request)" }
}

private func match(_ table: RoutingTable, _ host: String, _ path: String) -> RoutingTable.Match {
    Array(host.utf8).withUnsafeBufferPointer { name in
        Array(path.utf8).withUnsafeBufferPointer { bytes in
            let empty = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
            defer { empty.deallocate() }
            return table.match(
                host: name.baseAddress ?? UnsafePointer(empty), name.count,
                path: bytes.baseAddress ?? UnsafePointer(empty), bytes.count)
        }
    }
}

private func table(_ hosts: [ProxyConfiguration.VirtualHost], defaultUpstream: Int? = nil) -> RoutingTable {
    RoutingTable(ProxyConfiguration(hosts: hosts, defaultUpstream: defaultUpstream))
}

@Suite("The routing table") struct RoutingTableTests {
    @Test(arguments: [
        PathCase([(.prefix, "/")], "/any/path", 0),
        PathCase([(.exact, "/foo")], "/foo", 0),
        PathCase([(.exact, "/foo")], "/bar", nil),
        PathCase([(.exact, "/foo")], "/foo/", nil),
        PathCase([(.exact, "/foo/")], "/foo", nil),
        PathCase([(.prefix, "/foo")], "/foo", 0),
        PathCase([(.prefix, "/foo")], "/foo/", 0),
        PathCase([(.prefix, "/foo/")], "/foo", 0),
        PathCase([(.prefix, "/foo/")], "/foo/", 0),
        PathCase([(.prefix, "/aaa/bb")], "/aaa/bbb", nil),
        PathCase([(.prefix, "/aaa/bbb")], "/aaa/bbb", 0),
        PathCase([(.prefix, "/aaa/bbb/")], "/aaa/bbb", 0),
        PathCase([(.prefix, "/aaa/bbb")], "/aaa/bbb/", 0),
        PathCase([(.prefix, "/aaa/bbb")], "/aaa/bbb/ccc", 0),
        PathCase([(.prefix, "/aaa/bbb")], "/aaa/bbbxyz", nil),
        PathCase([(.prefix, "/"), (.prefix, "/aaa")], "/aaa/ccc", 1),
        PathCase([(.prefix, "/"), (.prefix, "/aaa"), (.prefix, "/aaa/bbb")], "/aaa/bbb", 2),
        PathCase([(.prefix, "/"), (.prefix, "/aaa"), (.prefix, "/aaa/bbb")], "/ccc", 0),
        PathCase([(.prefix, "/aaa")], "/ccc", nil),
        PathCase([(.prefix, "/foo"), (.exact, "/foo")], "/foo", 1),
        PathCase([(.exact, "/foo"), (.prefix, "/foo")], "/foo/", 1),
        PathCase([(.prefix, "/foo/bar/baz"), (.prefix, "/foo")], "/foo/bar", 1),
        PathCase([(.prefix, "/FOO")], "/foo", nil),
    ])
    func pathsMatchAsTheIngressDocumentationSays(_ example: PathCase) {
        let routes = example.routes.enumerated().map { index, route in
            ProxyConfiguration.Route(path: route.1, match: route.0, upstream: index)
        }
        let compiled = table([.init(host: .exact("a.example"), routes: routes)])
        let found = match(compiled, "a.example", example.request)
        #expect(found.upstream == Int32(example.expected ?? -1))
        #expect(found.route == Int32(example.expected ?? -1))
    }

    @Test(arguments: [
        ("foo.bar.com", 0), ("FOO.Bar.Com", 0), ("baz.foo.com", 1), ("Baz.Foo.com", 1), ("baz.bar.foo.com", 2),
        ("foo.com", 2), ("", 2), ("unknown", 2), (".foo.com", 2),
    ])
    func hostsMatchExactThenOneLabelThenAny(host: String, upstream: Int32) {
        let all = { (index: Int) in [ProxyConfiguration.Route(path: "/", match: .prefix, upstream: index)] }
        let compiled = table([
            .init(host: HostPattern("foo.bar.com"), routes: all(0)),
            .init(host: HostPattern("*.foo.com"), routes: all(1)),
            .init(host: HostPattern(""), routes: all(2)),
        ])
        #expect(match(compiled, host, "/x").upstream == upstream)
    }

    @Test func aMatchingHostWithoutAMatchingPathGoesToTheDefault() {
        let compiled = table(
            [
                .init(host: .exact("a"), routes: [.init(path: "/x", match: .prefix, upstream: 0)]),
                .init(host: .exact("b"), routes: [.init(path: "/x", match: .prefix, upstream: 0)], defaultUpstream: 4),
                .init(host: .any, routes: [.init(path: "/", match: .prefix, upstream: 1)]),
            ], defaultUpstream: 3)
        #expect(match(compiled, "a", "/y") == .init(upstream: 3, route: -1, host: 0, redirectsToHTTPS: false))
        #expect(match(compiled, "b", "/y").upstream == 4)
        #expect(match(compiled, "c", "/y").upstream == 1)
    }

    @Test func theEarlierOfTwoEqualRoutesWinsAndHostsAreMerged() {
        let compiled = table([
            .init(host: .exact("a"), routes: [.init(path: "/x", match: .prefix, upstream: 0)]),
            .init(
                host: .exact("A"),
                routes: [
                    .init(path: "/x/", match: .prefix, upstream: 1), .init(path: "/y", match: .exact, upstream: 2),
                ],
                redirectsToHTTPS: true),
        ])
        #expect(compiled.hostCount == 1)
        #expect(match(compiled, "a", "/x").upstream == 0)
        #expect(match(compiled, "a", "/y").upstream == 2)
        #expect(match(compiled, "a", "/y").redirectsToHTTPS)
    }

    @Test func aThousandHostsOfManyRoutesAreAllFound() {
        let hosts = (0..<1000).map { host in
            ProxyConfiguration.VirtualHost(
                host: .exact("h\(host).example"),
                routes: (0..<5).map { .init(path: "/p\($0)", match: .prefix, upstream: host * 5 + $0) })
        }
        let compiled = table(hosts)
        for host in 0..<1000 {
            for path in 0..<5 {
                #expect(match(compiled, "h\(host).example", "/p\(path)/x").upstream == Int32(host * 5 + path))
            }
        }
    }

    @Test(
        arguments: [
            ("/a/b?x=//", "/a/b"), ("/", "/"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a//b", "/a/b"),
            ("/%61dmin", "/admin"), ("/a/%2e%2e/b", "/b"), ("/a/..", "/"), ("/a/b/..", "/a/"), ("/a/.", "/a/"),
            ("/a/...", "/a/..."), ("/a/.b", "/a/.b"), ("/..", nil), ("/a/../../b", nil), ("/%", nil), ("/%4", nil),
            ("/%zz", nil), ("/%00", nil), ("/a%2fb", "/a/b"), ("/a/%2e", "/a/"),
        ] as [(String, String?)])
    func pathsAreNormalisedBeforeMatching(target: String, expected: String?) {
        let bytes = Array(target.utf8)
        let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 1)
        defer { scratch.deallocate() }
        let outcome = bytes.withUnsafeBufferPointer { buffer in
            RequestPath.normalise(buffer.baseAddress!, buffer.count, scratch: scratch)
        }
        switch outcome {
        case .plain(let count): #expect(String(decoding: bytes[..<count], as: UTF8.self) == expected)
        case .rewritten(let count):
            #expect(String(decoding: UnsafeBufferPointer(start: scratch, count: count), as: UTF8.self) == expected)
        case .invalid: #expect(expected == nil)
        }
    }
}
