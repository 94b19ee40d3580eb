import KubeModel
import Testing

@Suite("Locations of redirects") struct RouteRedirectTests {
    @Test func `a URL with variables is read in its parts`() {
        #expect(RouteRedirect.parts(of: "https://a?$args") == [.text("https://a?"), .query])
        #expect(RouteRedirect.parts(of: "https://a$is_args$args") == [.text("https://a"), .queryMark, .query])
        #expect(RouteRedirect.parts(of: "https://example.com/a?b=c#d") == [.text("https://example.com/a?b=c#d")])
        #expect(
            RouteRedirect.parts(of: "https://new.example.com$request_uri")
                == [.text("https://new.example.com"), .pathAndQuery])
        #expect(
            RouteRedirect.parts(of: "$scheme://${host}:8443/x$uri$is_args$args")
                == [.scheme, .text("://"), .host, .text(":8443/x"), .path, .queryMark, .query])
    }

    @Test(arguments: [
        "", "/path", "https://", "ftp://example.com", "example.com", "javascript:alert(1)", "https://a\r\nX: y",
        "https://a b", "https://a\u{e9}", "https://a/$nope", "https://a/$", "https://a/${host", "https://a/{host}",
        "https://$host$host", "https://a/\"", "https://a/<b>", "https://$args", "https://a.example$args",
        "https://$request_uri", "https://:8443/x",
        "https://?x", "https://a.$args/x",
    ])
    func `what is none is refused`(location: String) {
        #expect(RouteRedirect.parts(of: location) == nil)
    }

    @Test func `one that is too long is refused`() {
        #expect(RouteRedirect.parts(of: "https://a/" + String(repeating: "x", count: 2_038)) != nil)
        #expect(RouteRedirect.parts(of: "https://a/" + String(repeating: "x", count: 2_039)) == nil)
    }
}
