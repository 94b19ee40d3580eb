import KubeModel

/// ingress-nginx' annotations about how long endpoints are waited for, and when a request goes to another one. Pure.
struct RetryAnnotations: Hashable, Sendable {
    private static let prefix = "nginx.ingress.kubernetes.io/"

    /// All that are read here.
    static let keys: Set<String> = Set(
        [
            "proxy-next-upstream", "proxy-next-upstream-tries", "proxy-next-upstream-timeout", "proxy-connect-timeout",
            "proxy-read-timeout", "proxy-send-timeout",
        ].map { Self.prefix + $0 })

    /// nil where nothing is said.
    private(set) var retry: RouteBackendRetry?
    private(set) var timeouts: RouteBackendTimeouts?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    init(_ annotations: [String: String]) {
        // Empty is as good as not there, as in ingress-nginx.
        func value(_ name: String) -> String? {
            annotations[Self.prefix + name].flatMap { $0.isEmpty ? nil : $0 }
        }
        var retry = RouteBackendRetry()
        if let conditions = value("proxy-next-upstream") { read(conditions, &retry) }
        if let tries = number("proxy-next-upstream-tries", value("proxy-next-upstream-tries"), from: 0) {
            // 0 is no limit.
            retry.attempts = tries == 0 ? RouteBackendRetry.mostAttempts : min(tries, RouteBackendRetry.mostAttempts)
            if tries > RouteBackendRetry.mostAttempts {
                problems.append(
                    "\(Self.prefix)proxy-next-upstream-tries: \"\(tries)\" is taken as \(RouteBackendRetry.mostAttempts),"
                        + " the most that there may be")
            }
        }
        // 0 is no limit, as without it.
        let timeout = number("proxy-next-upstream-timeout", value("proxy-next-upstream-timeout"), from: 0)
        if timeout != 0 { retry.timeoutSeconds = timeout }
        if !retry.isEmpty { self.retry = retry }
        let timeouts = RouteBackendTimeouts(
            connectSeconds: number("proxy-connect-timeout", value("proxy-connect-timeout"), from: 1),
            readSeconds: number("proxy-read-timeout", value("proxy-read-timeout"), from: 1),
            sendSeconds: number("proxy-send-timeout", value("proxy-send-timeout"), from: 1))
        if !timeouts.isEmpty { self.timeouts = timeouts }
    }

    private mutating func read(_ text: String, _ retry: inout RouteBackendRetry) {
        let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }.map(String.init)
        let known = Set(RouteBackendRetry.allConditions)
        if let wrong = words.first(where: { $0 != "off" && $0 != "non_idempotent" && !known.contains($0) }) {
            return refuse("proxy-next-upstream", text, "has \(wrong.prefix(63)), which is not known")
        }
        if words.isEmpty { return refuse("proxy-next-upstream", text, "says nothing") }
        let isOff = words.contains("off")
        let isForAll = words.contains("non_idempotent")
        let conditions = Set(words).intersection(known).sorted()
        // In nginx `non_idempotent` alone names no failure.
        retry.conditions = isOff ? [] : conditions
        retry.nonIdempotent = !isOff && isForAll ? true : nil
    }

    private mutating func number(_ name: String, _ value: String?, from least: Int) -> Int? {
        guard let value else { return nil }
        if let number = Int(value), (least...Int(Int32.max)).contains(number) { return number }
        refuse(name, value, "is no number from \(least)")
        return nil
    }

    private mutating func refuse(_ name: String, _ value: String, _ reason: String) {
        let start = value.prefix(63)
        let rest = start.endIndex == value.endIndex ? "" : "…"
        problems.append("\(Self.prefix)\(name): \"\(start)\(rest)\" \(reason), so that it has no effect")
    }
}
