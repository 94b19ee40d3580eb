import KubeModel
import Store

/// `apiregistration.k8s.io/v1.APIService`: kept and checked; requests are not passed on to other servers yet.
struct APIServiceStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "apiregistration.k8s.io", "v1", "APIService", "apiservices", namespaced: false,
        categories: ["api-extensions"], hasStatus: true)

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        object.at("spec", "service") == nil
            ? [] : ["APIService: stored, but this server does not pass requests on to other API servers yet"]
    }

    func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write] {
        IdleObjectEvent.companions(of: object, replacing: old, now: context.now) { warnings(for: $0, replacing: nil) }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"] ?? [:]
        let path = FieldPath("spec")
        let (group, version) = (spec.text("group"), spec.text("version"))
        let name = object.text("metadata", "name")
        if name != "\(version).\(group)" {
            errors.invalid(
                FieldPath("metadata", "name"), .string(name),
                "must be `spec.version+\".\"+spec.group`: \(goQuoted("\(version).\(group)"))")
        }
        if group.isEmpty {
            if version != "v1" {
                errors.required(path.child("group"), "only v1 may have an empty group and it better be legacy kube")
            }
        } else {
            errors.invalid(path.child("group"), .string(group), Validation.dns1123Subdomain(group))
        }
        errors.invalid(path.child("version"), .string(version), Validation.dns1035Label(version))
        for (key, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
            let value = spec[key]?.int ?? 0
            if value <= 0 || value > most {
                errors.invalid(path.child(key), spec[key] ?? 0, "must be positive and less than \(most)")
            }
        }
        checkService(spec, path, &errors)
        return errors
    }

    private func checkService(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let bundle = spec.text("caBundle")
        let isUnchecked = spec["insecureSkipTLSVerify"] == true
        guard let service = spec.at("service") else {
            if !bundle.isEmpty {
                errors.invalid(
                    path.child("caBundle"), .string("\(bundle.utf8.count) bytes"),
                    "local APIServices may not have a caBundle")
            }
            if isUnchecked {
                errors.invalid(
                    path.child("insecureSkipTLSVerify"), true, "local APIServices may not have insecureSkipTLSVerify")
            }
            return
        }
        for key in ["namespace", "name"] where service.text(key).isEmpty {
            errors.required(path.child("service").child(key))
        }
        if let port = service.at("port"), let problem = Validation.portNumber(port.int ?? 0).first {
            errors.invalid(path.child("service").child("port"), port, "port is not valid: \(problem)")
        }
        if isUnchecked, !bundle.isEmpty {
            errors.invalid(
                path.child("insecureSkipTLSVerify"), true, "may not be true if caBundle is present")
        }
    }
}
