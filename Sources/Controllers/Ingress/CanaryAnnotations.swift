import KubeModel

/// ingress-nginx' annotations that make an Ingress a canary of others. Pure.
struct CanaryAnnotations: Hashable, Sendable {
    private static let prefix = "nginx.ingress.kubernetes.io/"
    private static let details = [
        "canary-by-header", "canary-by-header-value", "canary-by-header-pattern", "canary-by-cookie", "canary-weight",
        "canary-weight-total", "affinity-canary-behavior",
    ]

    /// All that are read here.
    static let keys: Set<String> = Set((["canary"] + details).map { Self.prefix + $0 })

    /// nil for an Ingress that is none.
    private(set) var canary: RouteCanary?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    init(_ annotations: [String: String]) {
        // Empty is as good as not there, as in ingress-nginx.
        func value(_ name: String) -> String? {
            annotations[Self.prefix + name].flatMap { $0.isEmpty ? nil : $0 }
        }
        guard isEnabled(value("canary")) else {
            for name in Self.details where value(name) != nil && name != "affinity-canary-behavior" {
                tell(name, "has no effect without \(Self.prefix)canary: \"true\"")
            }
            return
        }
        var canary = RouteCanary()
        readHeader(value, &canary)
        if let name = value("canary-by-cookie") {
            if Self.isName(name) {
                canary.cookie = name
            } else {
                refuse("canary-by-cookie", name, "is no name of a cookie of up to 64 characters (RFC 6265)")
            }
        }
        canary.weight = number("canary-weight", value("canary-weight"), from: 0)
        canary.weightTotal = number("canary-weight-total", value("canary-weight-total"), from: 1)
        switch value("affinity-canary-behavior") {
        case nil, "sticky"?: break
        case "legacy"?: canary.affinity = "legacy"
        case let behavior?:
            refuse("affinity-canary-behavior", behavior, "is not known (sticky and legacy are)")
        }
        self.canary = canary
    }

    private mutating func readHeader(_ value: (String) -> String?, _ canary: inout RouteCanary) {
        guard let name = value("canary-by-header") else {
            for name in ["canary-by-header-value", "canary-by-header-pattern"] where value(name) != nil {
                tell(name, "has no effect without \(Self.prefix)canary-by-header")
            }
            return
        }
        guard Self.isName(name) else {
            return refuse("canary-by-header", name, "is no name of a field of up to 64 characters")
        }
        if let wanted = value("canary-by-header-value") {
            guard wanted.utf8.count <= 1024 else {
                return refuse("canary-by-header-value", wanted, "is longer than 1,024 characters")
            }
            canary.headerValue = wanted
            if value("canary-by-header-pattern") != nil {
                tell("canary-by-header-pattern", "has no effect beside \(Self.prefix)canary-by-header-value")
            }
        } else if let pattern = value("canary-by-header-pattern") {
            // Without it the field would mean something else: such a one decides nothing.
            guard pattern.utf8.count <= 1024 else {
                return refuse("canary-by-header-pattern", pattern, "is longer than 1,024 characters")
            }
            do {
                _ = try TextPattern(usedNow: pattern)
            } catch {
                return refuse(
                    "canary-by-header-pattern", pattern, "is no regular expression of RE2 (\(error.message))")
            }
            canary.headerPattern = pattern
        }
        canary.header = name
    }

    /// As Go's `strconv.ParseBool`.
    private mutating func isEnabled(_ value: String?) -> Bool {
        switch value {
        case "1", "t", "T", "true", "TRUE", "True": return true
        case nil, "0", "f", "F", "false", "FALSE", "False": return false
        case let value?:
            refuse("canary", value, "is neither true nor false")
            return false
        }
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
        tell(name, "\"\(start)\(rest)\" \(reason), so that it has no effect")
    }

    private mutating func tell(_ name: String, _ sentence: String) {
        problems.append("\(Self.prefix)\(name): \(sentence)")
    }

    /// A token (RFC 9110 section 5.6.2).
    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}
