import APIResources
import Synchronization

/// `/livez`, `/readyz` and `/healthz`: each a list of named checks, one line each with `?verbose`, and `/metrics/slis`.
struct HealthChecks: Sendable {
    struct Check: Sendable {
        let name: String
        /// Asked for readiness only: a server that is starting or stopping is alive.
        let isReadinessOnly: Bool
        /// What is wrong; nil when nothing is.
        let problem: @Sendable () -> String?

        init(name: String, isReadinessOnly: Bool, problem: @escaping @Sendable () -> String?) {
            self.name = name
            self.isReadinessOnly = isReadinessOnly
            self.problem = problem
        }

        init(name: String, isReadinessOnly: Bool, passes: @escaping @Sendable () -> Bool) {
            self.init(name: name, isReadinessOnly: isReadinessOnly) { passes() ? nil : "not now" }
        }
    }

    let checks: [Check]
    private let counts = Counts()

    init(checks: [Check]) { self.checks = checks }

    /// What probes written for kube-apiserver ask for, and the check of ours that answers it.
    private static let synonyms = [
        "etcd": "store", "etcd-readiness": "store", "log": "ping", "informer-sync": "started",
    ]

    /// On an endpoint that does not look at the store, whose trouble no restart mends, what stands for etcd is that the
    /// server answers.
    private static func name(_ asked: String, _ endpoint: String) -> String {
        guard let synonym = synonyms[asked] else { return asked }
        return endpoint == "readyz" ? synonym : "ping"
    }

    /// nil for a check that does not exist (`/livez/NAME`).
    func respond(_ exchange: Exchange) -> OutgoingResponse? {
        let segments = exchange.info.segments
        let endpoint = segments[0]
        var checks = checks.filter { endpoint == "readyz" || !$0.isReadinessOnly }
        if segments.count > 1 {
            let asked = Self.name(segments[1...].joined(separator: "/"), endpoint)
            checks = checks.filter { $0.name == asked }
            if checks.isEmpty { return nil }
        }
        let excluded = Set(exchange.query.all("exclude").map { Self.name($0, endpoint) })
        let results = checks.filter { !excluded.contains($0.name) }.map { (name: $0.name, problem: $0.problem()) }
        counts.add(results.map { (name: $0.name, passed: $0.problem == nil) }, endpoint)
        let isHealthy = results.allSatisfy { $0.problem == nil }
        // Probes need no name; what is wrong is for those who have one.
        let isKnown = exchange.user != .anonymous
        let isVerbose = exchange.query["verbose"] != nil || !isHealthy
        var text = "ok"
        if isVerbose {
            text = results.map { result in
                guard let problem = result.problem else { return "[+]\(result.name) ok\n" }
                return "[-]\(result.name) failed: \(isKnown ? problem : "reason withheld")\n"
            }.joined()
            text += excluded.sorted().map { "[+]\($0) excluded: ok\n" }.joined()
            text += "\(endpoint) check \(isHealthy ? "passed" : "failed")\n"
        }
        return OutgoingResponse(
            status: isHealthy ? 200 : 500, contentType: "text/plain; charset=utf-8",
            headers: [("X-Content-Type-Options", "nosniff")], body: [Array(text.utf8)])
    }

    /// Kubernetes' service level indicators of a component (KEP-3466), in Prometheus' text format: every check as it is
    /// now, and how often it was asked with which result.
    func metrics() -> String {
        var lines = [
            "# HELP kubernetes_healthcheck Whether a check passes.", "# TYPE kubernetes_healthcheck gauge",
        ]
        for endpoint in ["healthz", "livez", "readyz"] {
            for check in checks where endpoint == "readyz" || !check.isReadinessOnly {
                let labels = "name=\"\(check.name)\",type=\"\(endpoint)\""
                lines.append("kubernetes_healthcheck{\(labels)} \(check.problem() == nil ? 1 : 0)")
            }
        }
        lines.append("# HELP kubernetes_healthchecks_total Results of checks that were asked for.")
        lines.append("# TYPE kubernetes_healthchecks_total counter")
        return (lines + counts.lines).joined(separator: "\n") + "\n"
    }

    /// How often each check had which result.
    private final class Counts: Sendable {
        private let totals = Mutex<[String: UInt64]>([:])

        func add(_ results: [(name: String, passed: Bool)], _ endpoint: String) {
            totals.withLock { totals in
                for (name, passed) in results {
                    let labels = "name=\"\(name)\",status=\"\(passed ? "success" : "error")\",type=\"\(endpoint)\""
                    totals[labels, default: 0] += 1
                }
            }
        }

        var lines: [String] {
            totals.withLock { $0 }.sorted { $0.key < $1.key }.map {
                "kubernetes_healthchecks_total{\($0.key)} \($0.value)"
            }
        }
    }
}
