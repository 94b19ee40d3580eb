import KubeModel
import Testing

@testable import Controllers

@Suite("Annotations about trying again and waiting") struct RetryAnnotationsTests {
    private static let prefix = "nginx.ingress.kubernetes.io/"

    private static func read(_ annotations: [String: String]) -> RetryAnnotations {
        RetryAnnotations(Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) }))
    }

    @Test func `they are read as ingress-nginx does`() {
        #expect(Self.read([:]).retry == nil && Self.read([:]).timeouts == nil)
        let read = Self.read([
            "proxy-next-upstream": "error timeout http_503  non_idempotent", "proxy-next-upstream-tries": "2",
            "proxy-next-upstream-timeout": "10", "proxy-connect-timeout": "2", "proxy-read-timeout": "3600",
            "proxy-send-timeout": "30",
        ])
        #expect(read.problems == [])
        #expect(
            read.retry
                == RouteBackendRetry(
                    conditions: ["error", "http_503", "timeout"], nonIdempotent: true, attempts: 2, timeoutSeconds: 10))
        #expect(read.timeouts == RouteBackendTimeouts(connectSeconds: 2, readSeconds: 3600, sendSeconds: 30))
        #expect(Self.read(["proxy-next-upstream": "off"]).retry == RouteBackendRetry(conditions: []))
        // nginx stops at the first `off` it finds anywhere.
        #expect(Self.read(["proxy-next-upstream": "error off"]).retry == RouteBackendRetry(conditions: []))
        #expect(Self.read(["proxy-next-upstream-tries": "0"]).retry == RouteBackendRetry(attempts: 8))
        #expect(Self.read(["proxy-next-upstream-timeout": "0"]).retry == nil)
    }

    @Test(arguments: [
        ("proxy-next-upstream", "error sometimes"), ("proxy-next-upstream", " "), ("proxy-next-upstream-tries", "-1"),
        ("proxy-next-upstream-timeout", "10s"), ("proxy-connect-timeout", "0"), ("proxy-read-timeout", "5m"),
        ("proxy-send-timeout", "99999999999"), ("proxy-next-upstream-tries", "9"),
    ])
    func `what cannot be is told of by its annotation`(name: String, value: String) {
        let read = Self.read([name: value])
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("\(Self.prefix)\(name): \"") == true)
        #expect(read.retry == (value == "9" ? RouteBackendRetry(attempts: 8) : nil) && read.timeouts == nil)
    }

    @Test func `they go to every backend, and none of them is told to be without effect`() {
        let ingress = Sample.ingress {
            $0.metadata.annotations = [
                Self.prefix + "proxy-next-upstream": "http_500", Self.prefix + "proxy-read-timeout": "7",
            ]
        }
        let compiled = IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { Sample.service($0) }, secretProblem: { _ in nil },
            winner: { _ in nil }
        ).compile(ingress, className: "martlet")
        #expect(compiled.problems == [])
        #expect(
            compiled.table.spec?.rules?[0].paths?[0].backend?.policy
                == RouteBackendPolicy(
                    retry: RouteBackendRetry(conditions: ["http_500"]),
                    timeouts: RouteBackendTimeouts(readSeconds: 7)))
    }
}
