import Foundation
import Glibc
import KubeModel
import NetworkTypes
import TestSupport
import Testing
import TrafficModel
import Transport

@testable import DataPlane
@testable import ProxyEngine

/// Ingresses with regular expressions and rewrites, asked of our engine and of a real nginx that is configured as
/// ingress-nginx configures it for them. Skipped where there is no nginx.
@Suite("Paths that are regular expressions go where nginx sends them", .serialized) struct PathPatternParityTests {
    private static let nginx = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// One Ingress of one host.
    struct Sample: Sendable {
        var host: String
        var paths: [(path: String, type: String, backend: String)]
        var usesRegex = false
        var target: String?
        var prefix: String?

        func rewrites(_ path: String) -> Bool { target != nil && target != path }
    }

    static let samples = [
        Sample(
            host: "rewrite.test", paths: [("/something(/|$)(.*)", "ImplementationSpecific", "one")], target: "/$2"),
        Sample(host: "rewrite.test", paths: [("/", "Prefix", "two"), ("/some", "Exact", "three")]),
        Sample(
            host: "regex.test",
            paths: [
                ("/foo/[a-z]+/bar", "ImplementationSpecific", "one"), ("/foo/bar", "Prefix", "two"),
                ("/api/v[0-9]+/.*", "ImplementationSpecific", "three"), ("/api", "Prefix", "one"),
                ("/file\\.txt$", "ImplementationSpecific", "two"),
                ("/page\\\\.html$", "ImplementationSpecific", "three"), ("/caf\u{E9}", "ImplementationSpecific", "one"),
                ("/(?<name>x+)/end", "ImplementationSpecific", "two"), ("/same", "Exact", "three"),
                ("/left|/right", "ImplementationSpecific", "one"), ("/n{2,3}o", "ImplementationSpecific", "two"),
                ("/not[^/]", "ImplementationSpecific", "three"), ("/a.b", "Prefix", "two"),
            ], usesRegex: true),
        Sample(host: "arguments.test", paths: [("/q/(.*)", "Prefix", "one")], target: "/x?u=$1&v=2"),
        Sample(host: "dropped.test", paths: [("/q/(.*)", "Prefix", "one")], target: "/x/$1?only=1?"),
        Sample(host: "none.test", paths: [("/q/(.*)", "Prefix", "one")], target: "/x/$1?"),
        Sample(host: "root.test", paths: [("/", "Prefix", "one")], target: "/"),
        Sample(host: "root.test", paths: [("/Foo", "Prefix", "two"), ("/bar", "Exact", "three")]),
        Sample(host: "spread.test", paths: [("/re/[0-9]+", "ImplementationSpecific", "one")], usesRegex: true),
        Sample(
            host: "spread.test",
            paths: [("/foo", "Prefix", "two"), ("/foo", "Exact", "three"), ("/only", "Exact", "one")]),
        Sample(
            host: "prefix.test", paths: [("/app(/|$)(.*)", "ImplementationSpecific", "one")], target: "/$2$3",
            prefix: "/app"),
        Sample(host: "fixed.test", paths: [("/old", "Prefix", "one"), ("/", "Prefix", "two")], target: "/new/%20"),
        Sample(
            host: "many.test", paths: [("/([^/]*)/([^/]*)/(.*)", "ImplementationSpecific", "one")],
            target: "/$3/$1-$2/$1/$9"),
        Sample(host: "loose.test", paths: [("/a(.*)", "ImplementationSpecific", "one")], target: "/$1"),
    ]

    static let targets: [String: [String]] = [
        "rewrite.test": [
            "/something", "/something/", "/something/new", "/SomeThing/New/", "/somethingelse", "/some", "/SOME",
            "/somex",
            "/something//x/./y/../z", "/something/%20a%23b%3Fc%25d", "/something/caf%C3%A9", "/something/caf\u{E9}",
            "/something/a+b?x=1&y=%20+", "/something/a;b=c", "/something/%22%3C%3E%5C%5E%60%7B%7C%7D",
            "/something/a%2Fb%2F%2Fc", "/something/%0D%0AX-Evil:%201", "/something?", "/something?a",
            "/something/?a=b?c",
            "/something/$1", "/something/a&b", "/something/%252e%252e/x", "/something/~'()*,!@:=", "/something/%7F%01",
            "/", "/other?x=%2F", "/x/%2e%2e/something/y", "/something/x%2", "/../x", "/something/..%2f..%2f..%2fx",
        ],
        "regex.test": [
            "/foo/abc/bar", "/foo/ABC/bar/baz", "/foo/bar", "/foo/barn", "/foo/bar/bar", "/foo/1/bar", "/api/v1/x",
            "/api/v12/", "/api/vx/", "/apis", "/API", "/file.txt", "/fileXtxt", "/file.txt/", "/page.html",
            "/pageXhtml",
            "/caf%C3%A9", "/caf%E3%A9", "/CAF%C3%A9", "/xxx/end", "/y/end", "/same", "/samesame", "/left", "/x/left",
            "/right", "/x/right", "/nno", "/nnnno", "/no", "/notes", "/not/", "/a.b", "/aXb/c", "/", "/nothing?x",
        ],
        "arguments.test": [
            "/q/abc", "/q/abc?y=1", "/q/a%26b%3D?y=1", "/q/a%20b+c", "/q/a;b'", "/q/a+b&c", "/q/", "/p",
        ],
        "dropped.test": ["/q/abc", "/q/abc?y=1"],
        "none.test": ["/q/abc?y=1", "/q/a%3Fb?y=1"],
        "root.test": ["/", "/x?y=1", "/Foo", "/Foo/", "/foo", "/Foobar", "/Foo/x", "/bar", "/bar/", "/BAR"],
        "spread.test": [
            "/re/1", "/re/12x", "/re/x", "/foo", "/foo/", "/FOO/x", "/foobar", "/Foo", "/only", "/only/x", "/onlyx",
        ],
        "prefix.test": ["/app", "/app/x?y", "/APP/x/"],
        "fixed.test": ["/old", "/old/x?y=1", "/other", "/OLDER"],
        "many.test": ["/a/b/c", "/a/b/", "/a//b/c", "/a%2Fb/c/d", "/a/b"],
        "loose.test": ["/abc", "/a/b", "/a//b", "/a", "/a.b", "/a/./b"],
        "unknown.test": ["/"],
    ]

    @Test(.enabled(if: nginx != nil, "there is no nginx"))
    func `the same route, target and prefix`() async throws {
        let ports: [String: UInt16] = ["one": 8081, "two": 8082, "three": 8083]
        let nginx = try RunningNginx(try #require(Self.nginx), Self.configuration(ports, port: 8080))
        defer { nginx.stop() }
        let engine = try RunningEngine(Self.ours(ports))
        let front = SocketAddress(ip: try #require(IPAddress(OwnLoopback.address)), port: 8080)
        try await nginx.waitUntilItListens(front)
        var count = 0
        for (host, targets) in Self.targets.sorted(by: { $0.key < $1.key }) {
            for target in targets {
                let theirs = try Self.ask(front, host, target)
                let ours = try Self.ask(engine.address, host, target)
                #expect(ours == theirs, "\(host) \(target)")
                count += 1
            }
        }
        #expect(count > 110)
        await engine.stop()
    }

    @Test func `what a group captures does not climb, and long targets end`() async throws {
        let upstream = RawListener { peer in
            let head = peer.read(through: "\r\n\r\n")
            let line = head.split(separator: "\r\n").first ?? ""
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(line.utf8.count)\r\nConnection: close\r\n\r\n\(line)")
        }
        let samples = [
            Sample(host: "a.test", paths: [("/a(.*)", "ImplementationSpecific", "one")], target: "/$1"),
            Sample(
                host: "b.test", paths: [("/(.*)", "ImplementationSpecific", "one")],
                target: "/" + String(repeating: "$1", count: 100)),
            Sample(
                host: "c.test", paths: [("/x/(", "ImplementationSpecific", "one"), ("/", "Prefix", "one")],
                usesRegex: true),
            Sample(host: "d.test", paths: [("/(?!x)", "Prefix", "one"), ("/y", "Prefix", "one")], usesRegex: true),
            Sample(host: "e.test", paths: [("/n/(.*)", "Prefix", "one")], target: "$1"),
        ]
        let engine = try RunningEngine(
            Self.ours(["one": UInt16(upstream.port)], address: .loopbackV4, samples: samples))
        func status(_ host: String, _ target: String) throws -> String { try Self.ask(engine.address, host, target) }
        #expect(try status("a.test", "/a../x") == "400")
        #expect(try status("a.test", "/ab/../a../x") == "400")
        #expect(try status("a.test", "/a..").hasPrefix("400"))
        #expect(try status("a.test", "/a...") == "200 GET /... HTTP/1.1")
        #expect(try status("a.test", "/a.%2e/x") == "400")
        #expect(try status("b.test", "/" + String(repeating: "y", count: 60)).hasPrefix("200 GET /yyy"))
        #expect(try status("b.test", "/" + String(repeating: "y", count: 4000)) == "414")
        // What is no regular expression closes what it begins with, and nothing else.
        #expect(try status("c.test", "/x/") == "503")
        #expect(try status("c.test", "/X/y") == "503")
        #expect(try status("c.test", "/xy") == "200 GET /xy HTTP/1.1")
        #expect(try status("d.test", "/y") == "200 GET /y HTTP/1.1")
        #expect(try status("d.test", "/z") == "503")
        #expect(try status("e.test", "/n/abc") == "200 GET /abc HTTP/1.1")
        #expect(try status("e.test", "/n//abc") == "200 GET /abc HTTP/1.1")
        await engine.stop()
        withExtendedLifetime(upstream) {}
    }

    // MARK: Ours

    static func ours(
        _ ports: [String: UInt16], address: IPAddress? = nil, samples: [Sample] = samples
    ) throws -> ProxyConfiguration {
        let address = try address ?? #require(IPAddress(OwnLoopback.address))
        let tables = samples.enumerated().map { index, sample in
            RouteTable(
                metadata: ObjectMeta(
                    name: "t\(index)", namespace: "n",
                    creationTimestamp: Timestamp(secondsSinceEpoch: Int64(index))),
                spec: RouteTableSpec(
                    controllerName: "c",
                    rules: [
                        RouteTableRule(
                            host: sample.host,
                            paths: sample.paths.map { path in
                                RoutePath(
                                    path: path.path, pathType: path.type == "Exact" ? "Exact" : "Prefix",
                                    backend: RouteBackend(
                                        serviceName: path.backend, port: ServiceBackendPort(number: 80)))
                            })
                    ], pathPatterns: sample.usesRegex ? true : nil,
                    rewrite: sample.target.map { RouteRewrite(target: $0, forwardedPrefix: sample.prefix) }))
        }
        let routes = CompiledRoutes(compiling: tables)
        var backends: [ServiceBackend: BackendResolution] = [:]
        for backend in routes.backends {
            let port = try #require(ports[backend.service.name])
            backends[backend] = .endpoints([SocketAddress(ip: address, port: Port(port))], appProtocol: nil)
        }
        return ProxyConfigurationCompiler(listeners: [RunningEngine.listener]).compile(
            routes: routes, backends: backends, secrets: [:])
    }

    /// The status, and the answer where it is 200.
    static func ask(_ address: SocketAddress, _ host: String, _ target: String) throws -> String {
        let socket = try BlockingSocket(address)
        try socket.send(
            "GET \(target) HTTP/1.1\r\nHost: \(host)\r\nX-Forwarded-Prefix: /theirs\r\nConnection: close\r\n\r\n")
        let text = String(decoding: try socket.receiveAll(), as: UTF8.self)
        let status = String(text.dropFirst(9).prefix(3))
        guard status == "200", let end = text.range(of: "\r\n\r\n") else { return status }
        return "200 " + text[end.upperBound...]
    }

    // MARK: nginx

    /// The front on `port`, and a server for each backend that says what it was asked.
    static func configuration(_ ports: [String: UInt16], port: UInt16) -> String {
        var text = ""
        for (name, backendPort) in ports.sorted(by: { $0.key < $1.key }) {
            text += """
                server {
                    listen \(OwnLoopback.address):\(backendPort);
                    location / { return 200 "\(name) $request_uri prefix=$http_x_forwarded_prefix"; }
                }

                """
        }
        for host in Set(samples.map(\.host)).sorted() {
            text += "server {\n    listen \(OwnLoopback.address):\(port);\n    server_name \(host);\n"
            text += locations(samples.filter { $0.host == host }, ports) + "}\n"
        }
        text += "server { listen \(OwnLoopback.address):\(port) default_server; return 404; }\n"
        return text
    }

    /// One location for each path, the longest first.
    private static func locations(_ samples: [Sample], _ ports: [String: UInt16]) -> String {
        let isRegex = samples.contains { sample in
            sample.usesRegex || sample.paths.contains { sample.rewrites($0.path) }
        }
        var all = samples.flatMap { sample in sample.paths.map { (sample: sample, path: $0) } }
        all.sort { left, right in
            let (first, second) = (left.path.path, right.path.path)
            if first.utf8.count != second.utf8.count { return first.utf8.count > second.utf8.count }
            return first > second
        }
        let exact = Set(all.filter { $0.path.type == "Exact" }.map(\.path.path))
        var text = ""
        var hasRoot = false
        for (sample, path) in all {
            if path.path == "/" { hasRoot = true }
            var spellings = [(path.path, path.type)]
            if path.type == "Prefix", path.path != "/", !sample.usesRegex, !sample.rewrites(path.path) {
                spellings = [(path.path + "/", "Prefix")]
                if !exact.contains(path.path) { spellings.append((path.path, "Exact")) }
            }
            for (spelling, type) in spellings {
                let match = isRegex ? "~* \"^\(spelling)\"" : type == "Exact" ? "= \(spelling)" : spelling
                text += "    location \(match) {\n"
                if let target = sample.target, sample.rewrites(path.path) {
                    text += "        rewrite \"(?i)\(spelling)\" \(target) break;\n"
                    if let prefix = sample.prefix {
                        text += "        proxy_set_header X-Forwarded-Prefix \"\(prefix)\";\n"
                    }
                }
                text += "        proxy_pass http://\(OwnLoopback.address):\(ports[path.backend] ?? 0);\n    }\n"
            }
        }
        return hasRoot ? text : text + "    location \(isRegex ? "~* \"^/\"" : "/") { return 404; }\n"
    }
}

/// An engine with one listener.
private struct RunningEngine {
    static let listener = ProxyConfiguration.Listener(
        address: SocketAddress(ip: .loopbackV4, port: 0), scheme: .http)

    private let loops: [EventLoop]
    private let engine: ProxyEngine

    init(_ configuration: ProxyConfiguration) throws {
        loops = try EventLoop.group(count: 1)
        engine = ProxyEngine(loops: loops)
        #expect(engine.apply(configuration) == [])
    }

    var address: SocketAddress { engine.boundAddresses[Self.listener] ?? Self.listener.address }

    func stop() async {
        await engine.shutdown(grace: .zero)
        for loop in loops { loop.stop() }
    }
}

/// A real nginx of one process with a folder of its own.
private struct RunningNginx {
    private let process = Process()
    private let folder: URL

    init(_ program: String, _ servers: String) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "nginx-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        let places = kinds.map { "\($0)_temp_path \(folder.path)/\($0);" }.joined(separator: " ")
        let text = """
            daemon off; master_process off; pid \(folder.path)/pid; error_log \(folder.path)/errors;
            events { worker_connections 256; }
            http { access_log off; default_type text/plain; \(places)
            \(servers)}
            """
        try text.write(to: folder.appending(path: "nginx.conf"), atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: program)
        process.arguments = ["-p", folder.path, "-c", folder.appending(path: "nginx.conf").path, "-e", "errors"]
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func waitUntilItListens(_ address: SocketAddress) async throws {
        for _ in 0..<500 {
            if (try? BlockingSocket(address)) != nil { return }
            if !process.isRunning { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let errors = (try? String(contentsOf: folder.appending(path: "errors"), encoding: .utf8)) ?? ""
        Issue.record("nginx does not listen: \(errors)")
    }

    func stop() {
        // Not SIGTERM: a child of a process that blocks signals blocks them as well.
        kill(process.processIdentifier, SIGKILL)
        for _ in 0..<250 where process.isRunning { usleep(20_000) }
        // Only scratch files of this test.
        try? FileManager.default.removeItem(at: folder)
    }
}
