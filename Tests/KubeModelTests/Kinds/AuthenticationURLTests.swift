import Testing

@testable import KubeModel

@Suite("Whom requests are judged by") struct AuthenticationURLTests {
    @Test func `a URL names a Service, an address, a host or the request's own`() throws {
        let service = try AuthenticationURL("http://auth.shop.svc.cluster.local:8080/check?x=$arg_x&u=$request_uri")
        #expect(service.service == NamespacedName(namespace: "shop", name: "auth"))
        #expect(!service.isSecure && service.effectivePort == 8080)
        #expect(
            service.target.parts == [
                .text("/check?x="), .argument("x"), .text("&u="), .pathAndQuery,
            ])
        for text in ["https://auth.shop.svc/x", "https://AUTH.shop.svc.cluster.local./x"] {
            let url = try AuthenticationURL(text)
            #expect(url.service == NamespacedName(namespace: "shop", name: "auth"))
            #expect(url.isSecure && url.effectivePort == 443)
        }
        for host in ["$host", "${host}", "$http_host"] {
            let url = try AuthenticationURL("https://\(host)/oauth2/auth")
            #expect(url.host == .ofRequest && url.service == nil)
        }
        #expect(try AuthenticationURL("http://10.0.0.1").target.parts == [.text("/")])
        #expect(try AuthenticationURL("http://10.0.0.1?a").target.parts == [.text("/?a")])
        #expect(try AuthenticationURL("http://[2001:DB8::1]:81/").host == .named("2001:db8::1"))
        #expect(try AuthenticationURL("https://auth.example.com/a").service == nil)
        #expect(try AuthenticationURL("https://shop.svc/a").service == nil)
    }

    @Test(arguments: [
        "", "auth", "/auth", "ftp://a/", "http://", "http:///a", "http://a b/", "http://user@a/", "http://a:0/",
        "http://a:70000/", "http://a:/", "http://$http_x/", "http://$host.example.com/", "http://a$request_uri",
        "http://a/$nothing", "http://a/$", "http://a/${host", "http://a/#b", "http://a/\r\nX: y", "http://a/é",
        "$scheme://$host/", "http://$arg_a/", "http://-a/",
    ])
    func `what is none is refused`(text: String) {
        #expect(throws: AuthenticationURL.Failure.self) { try AuthenticationURL(text) }
    }

    @Test(arguments: [
        ("https://login.example.com/start?rd=$scheme://$http_host$escaped_request_uri", true),
        ("https://$host/oauth2/start?rd=$escaped_request_uri", true), ("$scheme://$host/x", true),
        ("http://a.$host/x", true), ("/login", false), ("https://$arg_to/", false), ("https://a$arg_to/", false),
        ("https://$http_x", false), ("https://a@$host/", false), ("javascript:alert(1)", false),
        ("https://a/$what", false), ("https://a/\r\nX: y", false), ("https://$request_uri", false),
    ])
    func `clients are sent to sign in where the author wants them`(text: String, isGood: Bool) {
        #expect((RouteExternalAuthentication.problem(ofSignIn: text) == nil) == isGood)
    }

    @Test(arguments: [
        ("X-User", true), ("Authorization", true), ("Cookie", true), ("X_User", false), ("Host", false),
        ("Content-Length", false), ("transfer-encoding", false), ("X-Forwarded-For", false), ("X-Real-IP", false),
        ("SSL-Client-Verify", false), ("", false), ("a b", false), ("a:b", false), ("é", false),
    ])
    func `fields of the answer are not the proxy's own`(name: String, isGood: Bool) {
        #expect(RouteExternalAuthentication.isResponseHeader(name) == isGood)
    }
}
