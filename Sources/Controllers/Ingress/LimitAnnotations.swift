import KubeModel

/// Annotations of ours about how much endpoints are asked at a time, and how new ones begin. Pure.
struct LimitAnnotations: Hashable, Sendable {
    /// All that are read here.
    static let keys = AnnotationReader.keys(
        ["max-requests", "max-requests-per-endpoint", "max-queue", "queue-timeout", "slow-start"],
        prefix: AnnotationReader.martlet)

    /// nil where nothing is said.
    private(set) var limits: RouteBackendLimits?
    let slowStartSeconds: Int?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(annotations, prefix: AnnotationReader.martlet)
        var limits = RouteBackendLimits()
        limits.requests = reader.number("max-requests", from: 1)
        limits.requestsPerEndpoint = reader.number("max-requests-per-endpoint", from: 1)
        if limits.isEmpty {
            for name in ["max-queue", "queue-timeout"] where reader[name] != nil {
                reader.tell(
                    name,
                    "has no effect without \(AnnotationReader.martlet)max-requests or "
                        + "\(AnnotationReader.martlet)max-requests-per-endpoint")
            }
        } else {
            limits.queue = reader.number("max-queue", from: 1)
            limits.queueSeconds = reader.number("queue-timeout", from: 1)
            self.limits = limits
        }
        slowStartSeconds = reader.number("slow-start", from: 1)
        problems = reader.problems
    }
}
