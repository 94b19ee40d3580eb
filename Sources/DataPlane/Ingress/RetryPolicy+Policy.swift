internal import KubeModel
internal import ProxyEngine

extension RetryPolicy {
    /// Reads a route's policy, which the API server has found good.
    init(_ retry: RouteBackendRetry?) {
        guard let retry else {
            self.init()
            return
        }
        var conditions = RetryPolicy().conditions
        if let names = retry.conditions {
            conditions = names.reduce(into: Conditions()) { $0.formUnion(Self.conditions(named: $1)) }
        }
        self.init(
            conditions: conditions, isForAll: retry.nonIdempotent ?? false,
            attempts: Int32(clamping: retry.attempts ?? 0), timeout: .seconds(retry.timeoutSeconds ?? 0))
    }

    /// By the names that nginx has for them.
    private static func conditions(named name: String) -> Conditions {
        switch name {
        case "error": .error
        case "timeout": [.connectTimeout, .responseTimeout]
        case "invalid_header": .invalidHeader
        case "http_403": .http403
        case "http_404": .http404
        case "http_429": .http429
        case "http_500": .http500
        case "http_502": .http502
        case "http_503": .http503
        case "http_504": .http504
        default: []
        }
    }
}

extension UpstreamTimeouts {
    /// Reads a route's policy.
    init(_ timeouts: RouteBackendTimeouts?) {
        self.init(
            connect: timeouts?.connectSeconds.map { .seconds($0) },
            response: timeouts?.readSeconds.map { .seconds($0) },
            write: timeouts?.sendSeconds.map { .seconds($0) })
    }
}

extension UpstreamLimits {
    /// Reads a route's policy.
    init(_ limits: RouteBackendLimits?) {
        self.init(
            requests: Int32(clamping: limits?.requests ?? 0),
            requestsPerEndpoint: Int32(clamping: limits?.requestsPerEndpoint ?? 0),
            queue: Int32(clamping: limits?.queue ?? 0), queueTimeout: .seconds(limits?.queueSeconds ?? 5))
    }
}
