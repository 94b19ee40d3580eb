import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about a service that is asked") struct ExternalAuthenticationAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/"

    private static func read(_ annotations: [String: String], prefix: String = nginx) -> FilterAnnotations {
        FilterAnnotations(Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }))
    }

    private static func compile(
        _ url: String, service: Service? = nil, host: NamespacedName? = nil
    ) -> CompiledIngress {
        let ingress = Sample.ingress { $0.metadata.annotations = [nginx + "auth-url": url] }
        return IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { Sample.service($0) }, secretProblem: { _ in nil },
            winner: { _ in nil },
            rivals: IngressCompiler.HostRivals(host: { $0 == "auth.example.com" ? host : nil }),
            anyService: { $0 == NamespacedName(namespace: "auth", name: "proxy") ? service : nil }
        ).compile(ingress, className: "martlet")
    }

    @Test(arguments: [nginx, "traffic.martlet.dev/"])
    func `they are read as ingress-nginx does`(prefix: String) {
        let read = Self.read(
            [
                "auth-url": "https://$host/oauth2/auth", "auth-method": "HEAD",
                "auth-signin": "https://$host/oauth2/start", "auth-response-headers": "X-User, x-email ,",
                "auth-request-redirect": "https://$host$request_uri", "auth-always-set-cookie": "true",
                "auth-keepalive": "10", "auth-keepalive-timeout": "60",
            ], prefix: prefix)
        #expect(read.problems == [] && read.closing == [])
        #expect(
            read.filters
                == RouteFilters(
                    externalAuthentication: RouteExternalAuthentication(
                        url: "https://$host/oauth2/auth", method: "HEAD",
                        signIn: "https://$host/oauth2/start?rd=$scheme://$http_host$escaped_request_uri",
                        responseHeaders: ["X-User", "x-email"], requestRedirect: "https://$host$request_uri")))
    }

    @Test(arguments: [
        ("https://a/?x=1", nil, "https://a/?x=1&rd=$scheme://$http_host$escaped_request_uri"),
        ("https://a/?rd=$escaped_request_uri", nil, "https://a/?rd=$escaped_request_uri"),
        ("https://a/?rd=1", "to", "https://a/?rd=1&to=$scheme://$http_host$escaped_request_uri"),
        ("https://a/?", nil, "https://a/?rd=$scheme://$http_host$escaped_request_uri"),
    ])
    func `the URL that was asked for is an argument, unless there is one`(text: String, name: String?, whole: String) {
        var annotations = ["auth-url": "https://$host/a", "auth-signin": text]
        annotations["auth-signin-redirect-param"] = name
        #expect(Self.read(annotations).filters?.externalAuthentication?.signIn == whole)
    }

    @Test(arguments: [
        (["auth-url": "auth"], "auth-url: \"auth\" is no absolute URL"),
        (["auth-url": "https://$host/a", "auth-method": "GETT"], "auth-method: \"GETT\" is not known"),
        (["auth-url": "https://$host/a", "auth-signin": "/login"], "auth-signin: \"/login\" is no absolute URL"),
        (
            ["auth-url": "https://$host/a", "auth-response-headers": "X-A,Host"],
            "auth-response-headers: \"X-A,Host\" has \"Host\""
        ),
        (
            ["auth-url": "https://$host/a", "auth-response-headers": "X-A X-B"],
            "auth-response-headers: \"X-A X-B\" has \"X-A X-B\""
        ),
        (
            ["auth-url": "https://$host/a", "auth-request-redirect": "$x"],
            "auth-request-redirect: \"$x\" has the variable"
        ),
        (
            ["auth-url": "https://$host/a", "auth-proxy-set-headers": "a/b"],
            "auth-proxy-set-headers: \"a/b\" is not there"
        ),
        (
            ["auth-url": "https://$host/a", "auth-type": "basic", "auth-secret": "u", "satisfy": "any"],
            "auth-url: beside a password, satisfy any is not there"
        ),
    ])
    func `what cannot be had as it is written lets nobody in`(annotations: [String: String], problem: String) {
        let read = Self.read(annotations)
        #expect(read.closing.count == 1)
        #expect(read.closing.first?.hasPrefix(Self.nginx + problem) == true, "\(read.closing)")
        #expect(read.filters?.satisfy == nil)
    }

    @Test func `what has no effect is told`() {
        let read = Self.read([
            "auth-url": "https://$host/a", "auth-cache-key": "$remote_user", "auth-cache-duration": "200 5m",
        ])
        #expect(read.closing == [] && read.problems.count == 2)
        let alone = Self.read(["auth-signin": "https://a/"])
        #expect(alone.filters == nil && alone.problems == ["\(Self.nginx)auth-signin: has no effect without auth-url"])
    }

    @Test func `a service that nobody can ask is told of`() {
        let service = Sample.service("proxy")
        for url in [
            "http://proxy.auth.svc.cluster.local/a", "https://$host/a", "http://10.0.0.1/a",
            "http://shop.example.com/a",
        ] {
            #expect(Self.compile(url, service: service).problems == [], "\(url)")
        }
        #expect(Self.compile("https://auth.example.com/a", host: Sample.key("other")).problems == [])
        for (url, reason) in [
            ("http://proxy.auth.svc/a", "ServiceNotFound"), ("https://auth.example.com/a", "AuthenticationNotFound"),
        ] {
            let compiled = Self.compile(url)
            #expect(compiled.problems.map(\.reason) == [reason])
            #expect(compiled.problems.first?.message.hasSuffix("so that nobody is let in") == true)
        }
        #expect(
            Self.compile("http://proxy.auth.svc:81/a", service: service).problems.map(\.reason) == [
                "ServicePortNotFound"
            ])
    }
}
