import NetworkTypes
import Testing
import Transport

@testable import APIServer

@Suite("Parts of a proxied request") struct ProxyPartsTests {
    @Test(arguments: [
        ("web", "web", "", false), ("web:", "web", "", false), ("web:http", "web", "http", false),
        ("https:web:", "web", "", true), ("https:web:443", "web", "443", true), ("http:web:80", "web", "80", false),
        (":web:80", "web", "80", false),
    ])
    func `a target has a name, and may have a port and a scheme`(
        text: String, name: String, port: String, usesTLS: Bool
    ) throws {
        let target = try #require(ProxyTarget(text))
        #expect(target.name == name && target.port == port && target.usesTLS == usesTLS)
    }

    @Test(arguments: ["", ":", ":80", "ftp:web:80", "https::443", "a:b:c:d"])
    func `other targets are none`(text: String) { #expect(ProxyTarget(text) == nil) }

    @Test(arguments: [
        ("/a/b/proxy", "/a/b/proxy", ""), ("/a/b/proxy/", "/a/b/proxy", "/"),
        ("//a//b/proxy//x/../y%2Fz/", "//a//b/proxy", "//x/../y%2Fz/"), ("/a/b/%70roxy/x", "/a/b/%70roxy", "/x"),
    ])
    func `the path behind the proxy goes on as it was sent`(path: String, prefix: String, rest: String) {
        let parts = ProxyPath(path, steps: 3)
        #expect(parts.prefix == prefix && parts.rest == rest)
    }

    @Test func `credentials and what concerns one connection stay here`() {
        var headers: HTTPHeaders = [
            "Host": "api:6443", "Authorization": "Bearer secret", "Connection": "keep-alive, X-Mine", "X-Mine": "1",
            "Keep-Alive": "5", "TE": "trailers", "Cookie": "a=b", "Content-Length": "3", "X-Forwarded-Uri": "/forged",
        ]
        headers.add("X-Forwarded-For", "192.0.2.1")
        let sent = ProxyHeaders.request(headers, prefix: "/p", target: "/x", peer: IPAddress("192.0.2.2"), isTLS: true)
        #expect(
            sent.map(\.name) == [
                "Host", "Cookie", "X-Forwarded-For", "X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-Proto",
            ])
        #expect(sent["X-Forwarded-For"] == "192.0.2.1, 192.0.2.2")
        #expect(sent["X-Forwarded-Uri"] == "/p/x")
        #expect(sent["X-Forwarded-Host"] == "api:6443" && sent["X-Forwarded-Proto"] == "https")
    }

    @Test(arguments: [
        ("/login", "/p/login"), ("/p/login", "/p/login"), ("//other.example/x", "//other.example/x"),
        ("https://other.example/x", "https://other.example/x"), ("next", "next"),
    ])
    func `a redirect of the backend leads through the proxy`(given: String, wanted: String) {
        let fields = ProxyHeaders.response(
            [
                "Location": given, "Connection": "close", "Content-Length": "0", "Access-Control-Allow-Origin": "*",
                "access-control-allow-credentials": "true",
            ], prefix: "/p")
        #expect(fields.map(\.name) == ["Location"] && fields.first?.value == wanted)
    }
}
