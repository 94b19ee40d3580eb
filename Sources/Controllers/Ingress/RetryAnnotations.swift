import KubeModel

/// ingress-nginx' annotations about how long endpoints are waited for, and when a request goes to another one. Pure.
struct RetryAnnotations: Hashable, Sendable {
    /// All that are read here.
    static let keys = AnnotationReader.keys(
        [
            "proxy-next-upstream", "proxy-next-upstream-tries", "proxy-next-upstream-timeout", "proxy-connect-timeout",
            "proxy-read-timeout", "proxy-send-timeout",
        ], prefix: AnnotationReader.nginx)

    /// nil where nothing is said.
    private(set) var retry: RouteBackendRetry?
    private(set) var timeouts: RouteBackendTimeouts?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(annotations, prefix: AnnotationReader.nginx)
        var retry = RouteBackendRetry()
        Self.readConditions(&reader, &retry)
        if let tries = reader.number("proxy-next-upstream-tries", from: 0) {
            // 0 is no limit.
            retry.attempts = tries == 0 ? RouteBackendRetry.mostAttempts : min(tries, RouteBackendRetry.mostAttempts)
            if tries > RouteBackendRetry.mostAttempts {
                reader.tell(
                    "proxy-next-upstream-tries",
                    "\"\(tries)\" is taken as \(RouteBackendRetry.mostAttempts), the most that there may be")
            }
        }
        // 0 is no limit, as without it.
        let timeout = reader.number("proxy-next-upstream-timeout", from: 0)
        if timeout != 0 { retry.timeoutSeconds = timeout }
        if !retry.isEmpty { self.retry = retry }
        let timeouts = RouteBackendTimeouts(
            connectSeconds: reader.number("proxy-connect-timeout", from: 1),
            readSeconds: reader.number("proxy-read-timeout", from: 1),
            sendSeconds: reader.number("proxy-send-timeout", from: 1))
        if !timeouts.isEmpty { self.timeouts = timeouts }
        problems = reader.problems
    }

    private static func readConditions(_ reader: inout AnnotationReader, _ retry: inout RouteBackendRetry) {
        let name = "proxy-next-upstream"
        guard let text = reader[name] else { return }
        let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }.map(String.init)
        let known = Set(RouteBackendRetry.allConditions)
        if let wrong = words.first(where: { $0 != "off" && $0 != "non_idempotent" && !known.contains($0) }) {
            return reader.refuse(name, "has \(wrong.prefix(63)), which is not known")
        }
        if words.isEmpty { return reader.refuse(name, "says nothing") }
        let isOff = words.contains("off")
        let isForAll = words.contains("non_idempotent")
        // In nginx `non_idempotent` alone names no failure.
        retry.conditions = isOff ? [] : Set(words).intersection(known).sorted()
        retry.nonIdempotent = !isOff && isForAll ? true : nil
    }
}
