import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about what is done with requests") struct FilterAnnotationsTests {
    private static let prefix = "nginx.ingress.kubernetes.io/"

    private static func read(_ annotations: [String: String]) -> FilterAnnotations {
        FilterAnnotations(Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }))
    }

    private static func compile(_ ingress: Ingress) -> CompiledIngress {
        IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { Sample.service($0) }, secretProblem: { _ in nil },
            winner: { _ in nil }
        ).compile(ingress, className: "martlet")
    }

    @Test func `they are read as ingress-nginx does`() {
        #expect(Self.read([:]).filters == nil)
        let read = Self.read([
            "proxy-body-size": "8m", "force-ssl-redirect": "true", "ssl-redirect": "false",
            "whitelist-source-range": "10.0.0.0/8, 192.0.2.7 ,2001:db8::/32,", "denylist-source-range": "10.1.0.0/16",
            "permanent-redirect": "https://example.com$request_uri", "permanent-redirect-code": "308",
            "upstream-vhost": "inner.example.com:8080",
        ])
        #expect(read.problems == [] && read.closing == [])
        #expect(
            read.filters
                == RouteFilters(
                    maxBodyBytes: 8 << 20,
                    redirect: RouteRedirect(location: "https://example.com$request_uri", status: 308),
                    httpsRedirect: "Always",
                    sources: RouteSources(
                        allow: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"], deny: ["10.1.0.0/16"]),
                    upstreamHost: "inner.example.com:8080"))
        #expect(Self.read(["ssl-redirect": "false"]).filters?.httpsRedirect == "Never")
        #expect(Self.read(["ssl-redirect": "true"]).filters == nil)
        #expect(Self.read(["temporal-redirect": "http://a.example.com"]).filters?.redirect?.status == 302)
        #expect(
            Self.read(["temporal-redirect": "http://a", "permanent-redirect": "http://b"]).filters?.redirect
                == RouteRedirect(location: "http://a", status: 302))
        for (text, bytes) in [("0", 0), ("1", 1), ("2k", 2048), ("3K", 3072), ("1G", 1 << 30)] {
            #expect(Self.read(["proxy-body-size": text]).filters?.maxBodyBytes == bytes)
        }
    }

    @Test func `other origins are what is said, and every one where nothing is`() {
        #expect(Self.read(["enable-cors": "true"]).filters?.cors == RouteCORS())
        #expect(Self.read(["enable-cors": "false", "cors-allow-origin": "https://a"]).filters == nil)
        #expect(Self.read(["cors-allow-origin": "https://a"]).filters == nil)
        let read = Self.read([
            "enable-cors": "true",
            "cors-allow-origin": "https://a.example.com, http://*.example.com:8080, nonsense, https://b/path",
            "cors-allow-methods": "GET, POST", "cors-allow-headers": "X-One,X-Two", "cors-expose-headers": "X-Three",
            "cors-allow-credentials": "false", "cors-max-age": "600",
        ])
        #expect(
            read.filters?.cors
                == RouteCORS(
                    origins: ["https://a.example.com", "http://*.example.com:8080"], methods: "GET, POST",
                    headers: "X-One,X-Two", exposedHeaders: "X-Three", credentials: false, maxAge: 600))
        #expect(read.problems.count == 2 && read.problems.allSatisfy { $0.contains("is no origin") })
        // Where all that was named is wrong, nobody was meant but somebody: not everybody.
        #expect(Self.read(["enable-cors": "true", "cors-allow-origin": "nonsense"]).filters?.cors?.origins == [])
    }

    @Test func `limits are read, and 0 is none`() {
        let read = Self.read([
            "limit-rps": "10", "limit-rpm": "300", "limit-connections": "20", "limit-burst-multiplier": "3",
            "limit-whitelist": "10.0.0.0/8,192.0.2.1",
        ])
        #expect(
            read.filters?.clientLimits
                == RouteClientLimits(
                    requestsPerSecond: 10, requestsPerMinute: 300, burstMultiplier: 3, requests: 20,
                    exempt: ["10.0.0.0/8", "192.0.2.1"]))
        #expect(
            Self.read(["limit-rps": "1", "limit-burst-multiplier": "0"]).filters?.clientLimits
                == RouteClientLimits(requestsPerSecond: 1, burstMultiplier: 0))
        #expect(Self.read(["limit-rps": "0", "limit-whitelist": "10.0.0.0/8"]).filters == nil)
    }

    @Test func `a guard beside another one must be readable too, and says when it has no effect`() {
        let both = FilterAnnotations([
            Self.prefix + "allowlist-source-range": "0.0.0.0/0,::/0", Self.prefix + "whitelist-source-range": "x",
        ])
        #expect(both.closing.count == 1 && both.filters?.sources == RouteSources(allow: []))
        let denied = FilterAnnotations([
            Self.prefix + "denylist-source-range": "::1", "traffic.martlet.dev/denylist-source-range": "10.0.0.0/8",
        ])
        #expect(denied.filters?.sources == RouteSources(deny: ["10.0.0.0/8", "::1"]) && denied.problems == [])
        let other = FilterAnnotations([
            Self.prefix + "whitelist-source-range": "10.0.0.0/8",
            "traffic.martlet.dev/allowlist-source-range": "192.0.2.0/24",
        ])
        #expect(other.filters?.sources == RouteSources(allow: ["192.0.2.0/24"]) && other.closing == [])
        #expect(
            other.problems == [
                "\(Self.prefix)whitelist-source-range: has no effect beside traffic.martlet.dev/allowlist-source-range"
            ])
        #expect(
            Self.read(["enable-cors": "true", "cors-allow-credentials": "no"]).filters?.cors?.credentials == false)
    }

    @Test func `ours of the same names come first`() {
        let read = FilterAnnotations([
            Self.prefix + "proxy-body-size": "1m", "traffic.martlet.dev/proxy-body-size": "2m",
            "traffic.martlet.dev/denylist-source-range": "nobody",
        ])
        #expect(read.filters?.maxBodyBytes == 2 << 20)
        #expect(read.closing.first?.hasPrefix("traffic.martlet.dev/denylist-source-range: \"nobody\" has") == true)
    }

    @Test(arguments: [
        ("proxy-body-size", "8mb"), ("proxy-body-size", "-1"), ("proxy-body-size", "99999999999g"),
        ("proxy-body-size", "m"), ("permanent-redirect", "/path"), ("permanent-redirect", "https://a/\r\nX: y"),
        ("temporal-redirect", "https://a/$nope"), ("ssl-redirect", "maybe"), ("force-ssl-redirect", "2"),
        ("upstream-vhost", "a b"), ("upstream-vhost", "a\r\nX-Forged: b"), ("enable-cors", "yes"),
    ])
    func `what cannot be is told of by its annotation`(name: String, value: String) {
        let read = Self.read([name: value])
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("\(Self.prefix)\(name): \"") == true)
        #expect(read.filters == nil && read.closing == [])
    }

    @Test(arguments: [
        ("whitelist-source-range", "10.0.0.0/33"), ("allowlist-source-range", "10.0.0.1, office"),
        ("denylist-source-range", "10.0.0.0-10.0.0.9"), ("whitelist-source-range", " , "),
        ("limit-rps", "ten"), ("limit-connections", "-1"), ("limit-rpm", "9999999"), ("limit-whitelist", "office"),
    ])
    func `a guard that cannot be read closes every route of its Ingress`(name: String, value: String) throws {
        let read = Self.read([name: value])
        #expect(read.closing.count == 1 && read.closing.first?.hasSuffix("so that nobody is let in") == true)
        let ingress = Sample.ingress { $0.metadata.annotations = [Self.prefix + name: value] }
        let compiled = Self.compile(ingress)
        #expect(compiled.table.spec?.rules?.flatMap { $0.paths ?? [] }.allSatisfy { $0.backend == nil } == true)
        #expect(compiled.problems.contains { $0.reason == "InvalidGuard" && $0.concern == .acceptance })
    }

    @Test func `they go into the table, and none of them is told to be without effect`() {
        let ingress = Sample.ingress {
            $0.metadata.annotations = [
                Self.prefix + "whitelist-source-range": "10.0.0.0/8", Self.prefix + "proxy-body-size": "0",
            ]
        }
        let compiled = Self.compile(ingress)
        #expect(
            compiled.table.spec?.filters
                == RouteFilters(maxBodyBytes: 0, sources: RouteSources(allow: ["10.0.0.0/8"])))
        #expect(!compiled.problems.contains { $0.message.contains("source-range") || $0.message.contains("body-size") })
    }
}
