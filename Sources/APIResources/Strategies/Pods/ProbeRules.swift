import KubeModel

/// The rules of probes and of lifecycle hooks, which have the same handlers.
enum ProbeRules {
    static func check(_ probe: JSONValue, mustSucceedOnce: Bool, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkHandlers(probe, ["exec", "httpGet", "tcpSocket", "grpc"], path, &errors)
        errors.nonnegative(
            path, probe,
            ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"])
        if let seconds = probe.at("terminationGracePeriodSeconds"), seconds.int ?? 0 <= 0 {
            errors.invalid(path.child("terminationGracePeriodSeconds"), seconds, "must be greater than 0")
        }
        if mustSucceedOnce, let threshold = probe.at("successThreshold"), threshold.int != 1 {
            errors.invalid(path.child("successThreshold"), threshold, "must be 1")
        }
    }

    /// Exactly one of `keys`.
    static func checkHandlers(
        _ handlers: JSONValue, _ keys: [String], _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        var count = 0
        for key in keys {
            guard let handler = handlers.at(key) else { continue }
            count += 1
            guard count == 1 else {
                errors.forbidden(path.child(key), "may not specify more than 1 handler type")
                continue
            }
            checkHandler(handler, key, path.child(key), &errors)
        }
        if count == 0 { errors.required(path, "must specify a handler type") }
    }

    private static func checkHandler(
        _ handler: JSONValue, _ key: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        switch key {
        case "exec":
            if handler["command"]?.array?.isEmpty ?? true { errors.required(path.child("command")) }
        case "httpGet":
            if handler.text("path").isEmpty { errors.required(path.child("path")) }
            PortRules.checkNumberOrName(handler["port"], path.child("port"), &errors)
            errors.oneOf(path.child("scheme"), handler.text("scheme"), ["HTTP", "HTTPS"])
            for (index, header) in (handler["httpHeaders"]?.array ?? []).enumerated() {
                let name = header.text("name")
                errors.invalid(
                    path.child("httpHeaders").index(index).child("name"), .string(name),
                    Validation.httpHeaderName(name))
            }
        case "tcpSocket": PortRules.checkNumberOrName(handler["port"], path.child("port"), &errors)
        case "sleep": errors.nonnegative(path.child("seconds"), handler["seconds"])
        default: PortRules.checkNumber(handler["port"]?.int ?? 0, path.child("port"), &errors)
        }
    }
}
