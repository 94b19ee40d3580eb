import KubeModel
import NetworkTypes

/// The rules of hosts, paths and backends (kube-apiserver's ValidateIngressSpec), which RouteTables share.
enum IngressRules {
    private static let forbiddenSequences = ["//", "/./", "/../", "%2f", "%2F"]
    private static let forbiddenSuffixes = ["/..", "/."]
    static let pathTypes = ["Exact", "ImplementationSpecific", "Prefix"]

    /// What an update may keep of an object that was stored before a rule came.
    private struct Tolerance {
        var secretNames = false
        var wildcardRules = false

        init(_ old: JSONValue?) {
            for entry in old?["tls"]?.array ?? [] {
                let secret = entry.text("secretName")
                if !secret.isEmpty, !Validation.dns1123Subdomain(secret).isEmpty { secretNames = true }
            }
            for rule in old?["rules"]?.array ?? [] where rule.text("host").utf8.contains(UInt8(ascii: "*")) {
                var errors: [FieldError] = []
                IngressRules.checkValue(of: rule, FieldPath("rules"), &errors)
                if !errors.isEmpty { wildcardRules = true }
            }
        }
    }

    static func check(_ spec: JSONValue?, replacing old: JSONValue? = nil) -> [FieldError] {
        let tolerance = Tolerance(old)
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        let rules = spec?["rules"]?.array ?? []
        let defaultBackend = spec?.at("defaultBackend")
        if rules.isEmpty && defaultBackend == nil {
            errors.invalid(path, spec?["rules"] ?? .null, "either `defaultBackend` or `rules` must be specified")
        }
        if let defaultBackend { checkBackend(defaultBackend, path.child("defaultBackend"), &errors) }
        for (index, rule) in rules.enumerated() {
            let rulePath = path.child("rules").index(index)
            let host = rule.text("host")
            if !host.isEmpty { checkHost(host, rulePath.child("host"), &errors) }
            if tolerance.wildcardRules, host.utf8.contains(UInt8(ascii: "*")) { continue }
            checkValue(of: rule, rulePath, &errors)
        }
        for (index, entry) in (spec?["tls"]?.array ?? []).enumerated() {
            checkTLS(entry, anySecretName: tolerance.secretNames, path.child("tls").index(index), &errors)
        }
        if let name = spec?["ingressClassName"]?.string {
            errors.invalid(path.child("ingressClassName"), .string(name), Validation.dns1123Subdomain(name))
        }
        return errors
    }

    static func checkHost(_ host: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if IPAddress(host) != nil {
            errors.invalid(path, .string(host), "must be a DNS name, not an IP address")
        }
        checkName(host, path, &errors)
    }

    static func checkTLS(
        _ entry: JSONValue, anySecretName: Bool = false, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        for (index, host) in (entry["hosts"]?.array ?? []).enumerated() {
            checkName(host.string ?? "", path.child("hosts").index(index), &errors)
        }
        let secret = entry.text("secretName")
        if !secret.isEmpty, !anySecretName {
            errors.invalid(path.child("secretName"), .string(secret), Validation.dns1123Subdomain(secret))
        }
    }

    /// `path` and `pathType` of one HTTP path; `allowed` are the path types in alphabetical order.
    static func checkPath(
        _ text: String, type: String, allowed: [String], _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        let pathPath = path.child("path")
        switch type {
        case "Exact", "Prefix":
            if !text.hasPrefix("/") { errors.invalid(pathPath, .string(text), "must be an absolute path") }
            for sequence in forbiddenSequences where contains(text, sequence) {
                errors.invalid(pathPath, .string(text), "must not contain '\(sequence)'")
            }
            for suffix in forbiddenSuffixes where text.hasSuffix(suffix) {
                errors.invalid(pathPath, .string(text), "cannot end with '\(suffix)'")
            }
        case "ImplementationSpecific" where allowed.contains(type):
            if !text.isEmpty && !text.hasPrefix("/") {
                errors.invalid(pathPath, .string(text), "must be an absolute path")
            }
        default: errors.notSupported(path.child("pathType"), type, allowed)
        }
    }

    static func checkServicePort(
        _ port: JSONValue?, at path: FieldPath, of backend: FieldPath, _ errors: inout [FieldError]
    ) {
        let name = port?.text("name") ?? ""
        let number = port?["number"]?.int ?? 0
        switch (name.isEmpty, number == 0) {
        case (false, false): errors.invalid(backend, "", "cannot set both port name & port number")
        case (false, true): errors.invalid(path.child("name"), .string(name), Validation.portName(name))
        case (true, false): PortRules.checkNumber(number, path.child("number"), &errors)
        case (true, true): errors.required(backend, "port name or number is required")
        }
    }

    static func checkReference(_ reference: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let group = reference["apiGroup"]?.string {
            errors.invalid(path.child("apiGroup"), .string(group), Validation.dns1123Subdomain(group))
        }
        for key in ["kind", "name"] {
            let text = reference.text(key)
            if text.isEmpty {
                errors.required(path.child(key))
            } else {
                errors.invalid(path.child(key), .string(text), Validation.pathSegmentName(text))
            }
        }
    }

    private static func checkValue(of rule: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let http = rule.at("http") else { return }
        let paths = http["paths"]?.array ?? []
        let pathsPath = path.child("http").child("paths")
        if paths.isEmpty { errors.required(pathsPath) }
        for (index, entry) in paths.enumerated() {
            let entryPath = pathsPath.index(index)
            guard let type = entry["pathType"]?.string else {
                errors.required(entryPath.child("pathType"), "pathType must be specified")
                continue
            }
            checkPath(entry.text("path"), type: type, allowed: pathTypes, entryPath, &errors)
            checkBackend(entry.at("backend") ?? .object(JSONObject()), entryPath.child("backend"), &errors)
        }
    }

    private static func checkBackend(_ backend: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        switch (backend.at("resource"), backend.at("service")) {
        case (.some, .some): errors.invalid(path, "", "cannot set both resource and service backends")
        case (.some(let resource), nil): checkReference(resource, path.child("resource"), &errors)
        case (nil, .some(let service)):
            let name = service.text("name")
            let namePath = path.child("service").child("name")
            if name.isEmpty {
                errors.required(namePath)
            } else {
                errors.invalid(namePath, .string(name), Validation.dns1123Label(name))
            }
            checkServicePort(service.at("port"), at: path.child("service").child("port"), of: path, &errors)
        case (nil, nil): errors.invalid(path, "", "resource or service backend is required")
        }
    }

    private static func checkName(_ host: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let isWildcard = host.utf8.contains(UInt8(ascii: "*"))
        errors.invalid(
            path, .string(host),
            isWildcard ? Validation.wildcardDNS1123Subdomain(host) : Validation.dns1123Subdomain(host))
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let bytes = Array(text.utf8)
        let wanted = Array(part.utf8)
        guard bytes.count >= wanted.count else { return false }
        return (0...bytes.count - wanted.count).contains { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}
