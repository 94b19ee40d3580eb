import KubeModel

/// Annotations of ours about how much endpoints are asked at a time, and how new ones begin. Pure.
struct LimitAnnotations: Hashable, Sendable {
    private static let prefix = "traffic.martlet.dev/"

    /// All that are read here.
    static let keys: Set<String> = Set(
        ["max-requests", "max-requests-per-endpoint", "max-queue", "queue-timeout", "slow-start"].map {
            Self.prefix + $0
        })

    /// nil where nothing is said.
    private(set) var limits: RouteBackendLimits?
    private(set) var slowStartSeconds: Int?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    init(_ annotations: [String: String]) {
        var limits = RouteBackendLimits()
        limits.requests = number("max-requests", annotations)
        limits.requestsPerEndpoint = number("max-requests-per-endpoint", annotations)
        let isLimited = !limits.isEmpty
        for name in ["max-queue", "queue-timeout"] where annotations[Self.prefix + name] != nil && !isLimited {
            problems.append(
                "\(Self.prefix)\(name): has no effect without \(Self.prefix)max-requests or "
                    + "\(Self.prefix)max-requests-per-endpoint")
        }
        if isLimited {
            limits.queue = number("max-queue", annotations)
            limits.queueSeconds = number("queue-timeout", annotations)
            self.limits = limits
        }
        slowStartSeconds = number("slow-start", annotations)
    }

    private mutating func number(_ name: String, _ annotations: [String: String]) -> Int? {
        guard let value = annotations[Self.prefix + name] else { return nil }
        if let number = Int(value), (1...Int(Int32.max)).contains(number) { return number }
        let start = value.prefix(63)
        let rest = start.endIndex == value.endIndex ? "" : "…"
        problems.append("\(Self.prefix)\(name): \"\(start)\(rest)\" is no number from 1, so that it has no effect")
        return nil
    }
}
