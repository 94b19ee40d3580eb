import KubeModel

/// `traffic.martlet.dev/v1 HealthCheck`: a check of the endpoints of Services.
struct HealthCheckStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "traffic.martlet.dev", "v1", "HealthCheck", "healthchecks", short: ["hc"], hasStatus: true)
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    private static let handlers = ["httpGet", "tcpSocket", "grpc"]
    /// What the client that checks says itself.
    private static let ownHeaders: Set<String> = [
        "connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"] ?? .null
        let path = FieldPath("spec")
        for (index, target) in (spec["targetRefs"].array ?? []).enumerated() {
            let name = target.text("name")
            errors.invalid(
                path.child("targetRefs").index(index).child("name"), .string(name), Validation.dns1035Label(name))
        }
        checkHandlers(spec, path, &errors)
        if let timeout = spec["timeoutSeconds"].int, let period = spec["periodSeconds"].int, timeout > period {
            errors.invalid(
                path.child("timeoutSeconds"), .integer(Int64(timeout)),
                "must not be more than periodSeconds (\(period))")
        }
        return errors
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        ConditionRules.check(
            object["status"]["conditions"].array ?? [], FieldPath("status").child("conditions"), &errors)
        return errors
    }

    private func checkHandlers(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let given = Self.handlers.filter { spec.at($0) != nil }
        if given.isEmpty {
            errors.required(path, "must specify one of \(Self.handlers.joined(separator: ", "))")
        }
        for key in given.dropFirst() {
            errors.forbidden(path.child(key), "may not be given beside \(given[0])")
        }
        guard let key = given.first else { return }
        let handler = spec[key] ?? .null
        checkPort(handler["port"], path.child(key).child("port"), &errors)
        if key == "httpGet" { checkRequest(handler, path.child(key), &errors) }
    }

    /// A name is that of a slice's port: a label, longer than a container's may be.
    private func checkPort(_ port: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let name = port?.string else { return PortRules.checkNumber(port?.int ?? 0, path, &errors) }
        errors.invalid(path, .string(name), Validation.dns1123Label(name))
        if !name.isEmpty, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            errors.invalid(path, .string(name), "must contain at least one letter; a number stands without quotes")
        }
    }

    /// Path, host and headers become part of a request's head: nothing in them may end a line.
    private func checkRequest(_ request: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let target = request.text("path")
        if !target.isEmpty && (!target.hasPrefix("/") || !target.utf8.allSatisfy { (0x21...0x7E).contains($0) }) {
            errors.invalid(
                path.child("path"), .string(target),
                "must begin with / and have no spaces, control characters or bytes beyond ASCII")
        }
        let host = request.text("host")
        if !host.isEmpty {
            errors.invalid(path.child("host"), .string(host), Validation.dns1123Subdomain(host))
        }
        for (index, header) in (request["httpHeaders"].array ?? []).enumerated() {
            let name = header.text("name")
            let place = path.child("httpHeaders").index(index)
            errors.invalid(place.child("name"), .string(name), Validation.httpHeaderName(name))
            if Self.ownHeaders.contains(name.lowercased()) {
                errors.invalid(
                    place.child("name"), .string(name),
                    name.lowercased() == "host" ? "is what the field host is for" : "is said by the check itself")
            }
            let value = header.text("value")
            if !value.utf8.allSatisfy({ $0 == 9 || $0 >= 0x20 && $0 != 0x7F }) {
                errors.invalid(place.child("value"), .string(value), "may not have control characters")
            }
        }
    }
}
