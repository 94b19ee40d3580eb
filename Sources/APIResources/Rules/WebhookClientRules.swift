import KubeModel

/// How a webhook is reached: by URL or through a Service (Kubernetes: `ValidateWebhookURL`, `ValidateWebhookService`).
enum WebhookClientRules {
    private static let form = "; desired format: https://host[/path]"

    static func check(_ client: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        switch (client.at("url")?.string, client.at("service")) {
        case (let url?, nil): checkURL(url, path.child("url"), &errors)
        case (nil, let service?): checkService(service, path.child("service"), &errors)
        default: errors.required(path, "exactly one of url or service is required")
        }
    }

    static func checkService(_ service: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if service.text("name").isEmpty { errors.required(path.child("name"), "service name is required") }
        if service.text("namespace").isEmpty {
            errors.required(path.child("namespace"), "service namespace is required")
        }
        if let port = service.at("port"), let problem = Validation.portNumber(port.int ?? 0).first {
            errors.invalid(path.child("port"), port, "port is not valid: \(problem)")
        }
        guard let text = service.at("path")?.string, !text.isEmpty, text != "/" else { return }
        let path = path.child("path")
        guard text.hasPrefix("/") else { return errors.invalid(path, .string(text), "must start with a '/'") }
        var body = text.dropFirst()
        if body.hasSuffix("/") { body = body.dropLast() }
        for (index, step) in body.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            if step.isEmpty {
                errors.invalid(path, .string(text), "segment[\(index)] may not be empty")
            } else {
                for problem in Validation.dns1123Subdomain(String(step)) {
                    errors.invalid(path, .string(text), "segment[\(index)]: \(problem)")
                }
            }
        }
    }

    private static func checkURL(_ url: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let scheme = url.prefix { $0 != ":" }
        guard url.dropFirst(scheme.count).hasPrefix("://") else {
            return errors.invalid(path, "", "'https' is the only allowed URL scheme" + form)
        }
        if scheme != "https" {
            errors.invalid(path, .string(String(scheme)), "'https' is the only allowed URL scheme" + form)
        }
        var rest = url.dropFirst(scheme.count + 3)
        if let hash = rest.firstIndex(of: "#") {
            errors.invalid(
                path, .string(String(rest[rest.index(after: hash)...])), "fragments are not permitted in the URL")
            rest = rest[..<hash]
        }
        if let mark = rest.firstIndex(of: "?") {
            errors.invalid(
                path, .string(String(rest[rest.index(after: mark)...])),
                "query parameters are not permitted in the URL")
            rest = rest[..<mark]
        }
        var authority = rest.prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") {
            errors.invalid(path, .string(String(authority[..<at])), "user information is not permitted in the URL")
            authority = authority[authority.index(after: at)...]
        }
        if authority.isEmpty { errors.invalid(path, "", "host must be specified" + form) }
    }
}
