import KubeModel

/// `traffic.martlet.dev/v1 RouteTable`: what an Ingress controller compiled, under the rules of Ingress paths and
/// hosts.
struct RouteTableStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "traffic.martlet.dev", "v1", "RouteTable", "routetables", short: ["rt"], hasStatus: true)
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        ControllerNameRule.check(object.text("spec", "controllerName"), path.child("controllerName"), &errors)
        if let name = object["spec"]["ingressClassName"].string, !name.isEmpty {
            errors.invalid(path.child("ingressClassName"), .string(name), Validation.dns1123Subdomain(name))
        }
        for (index, rule) in (object["spec"]["rules"].array ?? []).enumerated() {
            let rulePath = path.child("rules").index(index)
            let host = rule.text("host")
            if !host.isEmpty { IngressRules.checkHost(host, rulePath.child("host"), &errors) }
            for (index, entry) in (rule["paths"]?.array ?? []).enumerated() {
                let entryPath = rulePath.child("paths").index(index)
                checkPath(entry.text("path"), type: entry.text("pathType"), entryPath, &errors)
                if entry.at("backend") != nil { checkPattern(entry.text("path"), of: object, entryPath, &errors) }
                // Without a backend its requests are answered with 503: an Ingress may name what is no Service.
                if let backend = entry.at("backend") {
                    checkBackend(backend, entryPath.child("backend"), &errors)
                }
            }
        }
        if let backend = object.at("spec", "defaultBackend") {
            checkBackend(backend, path.child("defaultBackend"), &errors)
        }
        if let clients = object.at("spec", "clientCertificates") {
            RouteTLSRules.check(clients: clients, path.child("clientCertificates"), &errors)
        }
        if let filters = object.at("spec", "filters") {
            RouteFilterRules.check(filters, path.child("filters"), &errors)
        }
        if let settings = object.at("spec", "hostSettings") {
            checkHosts(settings, path.child("hostSettings"), &errors)
        }
        if let target = object["spec"]["rewrite"]["target"].string {
            do {
                _ = try RewriteTemplate(target)
            } catch {
                errors.invalid(path.child("rewrite").child("target"), .string(target), error.description)
            }
        }
        if let canary = object.at("spec", "canary") {
            checkCanary(canary, path.child("canary"), &errors)
            for key in ["defaultBackend", "tls", "clientCertificates", "passesTLSThrough", "hostSettings"]
            where object.at("spec", key) != nil {
                errors.forbidden(path.child(key), "may not be set in a canary")
            }
        }
        for (index, entry) in (object["spec"]["tls"].array ?? []).enumerated() {
            IngressRules.checkTLS(entry, path.child("tls").index(index), &errors)
        }
        return errors
    }

    /// Laxer than for an Ingress: its `ImplementationSpecific` paths, which may have any text, become prefixes.
    private func checkPath(_ text: String, type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard type == "Prefix" else {
            return IngressRules.checkPath(text, type: type, allowed: ["Exact", "Prefix"], path, &errors)
        }
        if !text.hasPrefix("/") { errors.invalid(path.child("path"), .string(text), "must be an absolute path") }
    }

    /// Where the table itself says that paths are regular expressions. One that is none may stand there without a backend.
    private func checkPattern(
        _ text: String, of object: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        let target = object["spec"]["rewrite"]["target"].string
        guard object["spec"]["pathPatterns"].bool == true || target != nil && target != text else { return }
        if let problem = PathPattern.problem(of: text) { errors.invalid(path.child("path"), .string(text), problem) }
    }

    private func checkBackend(_ backend: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = backend.text("serviceName")
        if name.isEmpty {
            errors.required(path.child("serviceName"))
        } else {
            errors.invalid(path.child("serviceName"), .string(name), Validation.dns1123Label(name))
        }
        IngressRules.checkServicePort(backend.at("port"), at: path.child("port"), of: path, &errors)
        if let policy = backend.at("policy") { checkPolicy(policy, path.child("policy"), &errors) }
    }

    private func checkCanary(_ canary: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for key in ["headerValue", "headerPattern"] where canary.at(key) != nil && canary.at("header") == nil {
            errors.forbidden(path.child(key), "may only be set together with header")
        }
        if let pattern = canary["headerPattern"].string {
            do {
                _ = try TextPattern(usedNow: pattern)
            } catch {
                errors.invalid(
                    path.child("headerPattern"), .string(pattern), "is no regular expression: \(error.message)")
            }
        }
    }

    private func checkHosts(_ settings: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, alias) in (settings["aliases"].array ?? []).enumerated() {
            if let alias = alias.string { IngressRules.checkHost(alias, path.child("aliases").index(index), &errors) }
        }
        if let appRoot = settings["appRoot"].string, let problem = RouteHostSettings.problem(ofAppRoot: appRoot) {
            errors.invalid(path.child("appRoot"), .string(appRoot), problem)
        }
    }

    private func checkPolicy(_ policy: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let tls = policy.at("tls") { RouteTLSRules.check(tls, path.child("tls"), &errors) }
        guard let key = policy["hashBy"].string else { return }
        let place = path.child("hashBy")
        if policy.text("balancing") != "consistent-hash" {
            errors.invalid(place, .string(key), "may only be set when balancing is consistent-hash")
        }
        do {
            _ = try HashKeyTemplate(key)
        } catch {
            errors.invalid(place, .string(key), "\(error)")
        }
    }
}
