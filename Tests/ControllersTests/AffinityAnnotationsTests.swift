import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about affinity") struct AffinityAnnotationsTests {
    private static func read(_ annotations: [String: String]) -> AffinityAnnotations {
        AffinityAnnotations(
            Dictionary(uniqueKeysWithValues: annotations.map { ("nginx.ingress.kubernetes.io/\($0.key)", $0.value) }))
    }

    @Test func `they are read as ingress-nginx does`() {
        #expect(Self.read([:]).affinity(path: "/", seed: "u") == nil)
        #expect(Self.read(["session-cookie-name": "x"]).affinity(path: "/", seed: "u") == nil)
        let plain = Self.read(["affinity": "cookie"])
        #expect(plain.problems == [])
        #expect(plain.affinity(path: "/cart", seed: "u") == RouteBackendAffinity(path: "/cart"))
        #expect(plain.affinity(path: "/a;b", seed: "u")?.path == "/")
        let full = Self.read([
            "affinity": "cookie", "affinity-mode": "persistent", "session-cookie-name": "route",
            "session-cookie-path": "/", "session-cookie-domain": "example.com", "session-cookie-max-age": "60",
            "session-cookie-expires": "120", "session-cookie-samesite": "none",
            "session-cookie-conditional-samesite-none": "true", "session-cookie-secure": "true",
            "session-cookie-change-on-failure": "1",
        ])
        #expect(full.problems == [])
        #expect(
            full.affinity(path: "/cart", seed: "u")
                == RouteBackendAffinity(
                    mode: "persistent", seed: "u", cookieName: "route", path: "/", domain: "example.com", maxAge: 60,
                    expires: 120, sameSite: "None", conditionalSameSiteNone: true, secure: true, changeOnFailure: true))
    }

    @Test(arguments: [
        ("affinity", "ip"), ("affinity-mode", "sticky"), ("session-cookie-name", "a b"),
        ("session-cookie-name", String(repeating: "a", count: 65)), ("session-cookie-path", "/; Domain=evil"),
        ("session-cookie-path", "/\r\nX: y"), ("session-cookie-path", "cart"), ("session-cookie-domain", "a;b"),
        ("session-cookie-max-age", "-1"), ("session-cookie-max-age", "soon"),
        ("session-cookie-expires", "99999999999999999999"), ("session-cookie-samesite", "Sometimes"),
        ("session-cookie-conditional-samesite-none", "maybe"), ("session-cookie-secure", "yes"),
        ("session-cookie-change-on-failure", "on"),
    ])
    func `what cannot be is told of by its annotation, and the rest counts`(name: String, value: String) {
        let read = Self.read(["affinity": "cookie"].merging([name: value]) { $1 })
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("nginx.ingress.kubernetes.io/\(name): \"") == true)
        let expected = name == "affinity" ? nil : RouteBackendAffinity(path: "/")
        #expect(read.affinity(path: "/", seed: "u") == expected)
    }
}
