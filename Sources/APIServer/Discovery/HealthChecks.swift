/// `/livez`, `/readyz` and `/healthz`: each a list of named checks, one line each with `?verbose`.
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

    /// nil for a check that does not exist (`/livez/NAME`).
    func respond(_ exchange: Exchange) -> OutgoingResponse? {
        let segments = exchange.info.segments
        let endpoint = segments[0]
        var checks = checks.filter { endpoint == "readyz" || !$0.isReadinessOnly }
        if segments.count > 1 {
            checks = checks.filter { $0.name == segments[1...].joined(separator: "/") }
            if checks.isEmpty { return nil }
        }
        let excluded = Set(exchange.query.all("exclude"))
        let results = checks.filter { !excluded.contains($0.name) }.map { (name: $0.name, problem: $0.problem()) }
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
}
