import KubeModel

/// ingress-nginx' annotations that make an Ingress a canary of others. Pure.
struct CanaryAnnotations: Hashable, Sendable {
    private static let details = [
        "canary-by-header", "canary-by-header-value", "canary-by-header-pattern", "canary-by-cookie", "canary-weight",
        "canary-weight-total", "affinity-canary-behavior",
    ]

    /// All that are read here.
    static let keys = AnnotationReader.keys(["canary"] + details, prefix: AnnotationReader.nginx)

    /// nil for an Ingress that is none.
    private(set) var canary: RouteCanary?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(annotations, prefix: AnnotationReader.nginx)
        if reader.boolean("canary") == true {
            canary = Self.read(&reader)
        } else {
            for name in Self.details where reader[name] != nil {
                reader.tell(name, "has no effect without \(AnnotationReader.nginx)canary: \"true\"")
            }
        }
        problems = reader.problems
    }

    private static func read(_ reader: inout AnnotationReader) -> RouteCanary {
        var canary = RouteCanary()
        readHeader(&reader, &canary)
        canary.cookie = reader.token("canary-by-cookie", of: "a cookie")
        canary.weight = reader.number("canary-weight", from: 0)
        canary.weightTotal = reader.number("canary-weight-total", from: 1)
        let total = canary.effectiveTotal
        if let weight = canary.weight, weight > total {
            reader.tell("canary-weight", "\"\(weight)\" is more than the total of \(total): every request goes there")
        }
        if reader.word("affinity-canary-behavior", of: ["sticky", "legacy"]) == "legacy" { canary.affinity = "legacy" }
        return canary
    }

    private static func readHeader(_ reader: inout AnnotationReader, _ canary: inout RouteCanary) {
        let (value, pattern) = ("canary-by-header-value", "canary-by-header-pattern")
        guard reader["canary-by-header"] != nil else {
            for name in [value, pattern] where reader[name] != nil {
                reader.tell(name, "has no effect without \(AnnotationReader.nginx)canary-by-header")
            }
            return
        }
        guard let name = reader.token("canary-by-header", of: "a field") else { return }
        // Without its value or pattern the field would mean something else: such a one decides nothing.
        if let text = reader[value] {
            guard text.utf8.count <= 1024 else { return reader.refuse(value, "is longer than 1,024 characters") }
            canary.headerValue = text
            if reader[pattern] != nil {
                reader.tell(pattern, "has no effect beside \(AnnotationReader.nginx)\(value)")
            }
        } else if let text = reader[pattern] {
            guard text.utf8.count <= 1024 else { return reader.refuse(pattern, "is longer than 1,024 characters") }
            do {
                _ = try TextPattern(usedNow: text)
            } catch {
                return reader.refuse(pattern, "is no regular expression of RE2 (\(error.message))")
            }
            canary.headerPattern = text
        }
        canary.header = name
    }
}
