import KubeModel
import Store

/// `admissionregistration.k8s.io/v1` ValidatingAdmissionPolicyBinding and MutatingAdmissionPolicyBinding: kept and checked.
struct AdmissionPolicyBindingStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let generationRule = GenerationRule.spec

    private let isMutating: Bool

    init(isMutating: Bool) {
        self.isMutating = isMutating
        definition =
            isMutating
            ? .builtIn(
                WebhookConfigurationStrategy.group, "v1", "MutatingAdmissionPolicyBinding",
                "mutatingadmissionpolicybindings", namespaced: false, categories: ["api-extensions"])
            : .builtIn(
                WebhookConfigurationStrategy.group, "v1", "ValidatingAdmissionPolicyBinding",
                "validatingadmissionpolicybindings", namespaced: false, categories: ["api-extensions"])
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        ["\(definition.kind): stored, but this server does not act on admission policies yet"]
    }

    func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write] {
        IdleObjectEvent.companions(of: object, replacing: old, now: context.now) { warnings(for: $0, replacing: nil) }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        let policy = spec.text("policyName")
        if policy.isEmpty {
            errors.required(path.child("policyName"))
        } else {
            errors.invalid(path.child("policyName"), .string(policy), Validation.dns1123Subdomain(policy))
        }
        if let reference = spec.at("paramRef") { checkParameters(reference, path.child("paramRef"), &errors) }
        if let match = spec.at("matchResources") {
            AdmissionMatchRules.check(match, path.child("matchResources"), needsRules: false, &errors)
        }
        if !isMutating {
            checkActions(spec["validationActions"]?.array ?? [], path.child("validationActions"), &errors)
        }
        return errors
    }

    private func checkParameters(_ reference: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = reference.text("name")
        switch (name.isEmpty, LabelSelector(document: reference.at("selector"))) {
        case (true, nil): errors.required(path, "one of name or selector must be specified")
        case (false, .some):
            errors.forbidden(path.child("name"), "name and selector are mutually exclusive")
        case (false, nil): errors.invalid(path.child("name"), .string(name), Validation.pathSegmentName(name))
        case (true, let selector?): errors += Validation.labelSelector(selector, at: path.child("selector"))
        }
        if let action = reference.at("parameterNotFoundAction")?.string {
            errors.oneOf(path.child("parameterNotFoundAction"), action, ["Allow", "Deny"])
        } else {
            errors.required(path.child("parameterNotFoundAction"))
        }
    }

    private func checkActions(_ actions: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        if actions.isEmpty { errors.required(path, "at least one validation action is required") }
        var seen: Set<String> = []
        for (index, action) in actions.map({ $0.string ?? "" }).enumerated() {
            errors.oneOf(path.index(index), action, ["Audit", "Deny", "Warn"])
            if !seen.insert(action).inserted { errors.duplicate(path.index(index), .string(action)) }
        }
        if seen.isSuperset(of: ["Deny", "Warn"]) {
            errors.invalid(
                path, .array(actions),
                "must not contain both Deny and Warn (repeating the same validation failure "
                    + "information in the API response and headers serves no purpose)")
        }
    }
}
