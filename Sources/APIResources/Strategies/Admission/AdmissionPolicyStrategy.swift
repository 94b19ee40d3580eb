import KubeModel
import Store

/// `admissionregistration.k8s.io/v1` ValidatingAdmissionPolicy and MutatingAdmissionPolicy: kept and checked. Nothing acts
/// on them yet, which every write says in a warning.
struct AdmissionPolicyStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let generationRule = GenerationRule.spec

    private let isMutating: Bool
    private static let reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"]

    init(isMutating: Bool) {
        self.isMutating = isMutating
        definition =
            isMutating
            ? .builtIn(
                WebhookConfigurationStrategy.group, "v1", "MutatingAdmissionPolicy", "mutatingadmissionpolicies",
                namespaced: false, categories: ["api-extensions"])
            : .builtIn(
                WebhookConfigurationStrategy.group, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies",
                namespaced: false, categories: ["api-extensions"], hasStatus: true)
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
        errors.oneOf(path.child("failurePolicy"), spec.text("failurePolicy"), ["Fail", "Ignore"])
        if let kind = spec.at("paramKind") { checkParamKind(kind, path.child("paramKind"), &errors) }
        if let constraints = spec.at("matchConstraints") {
            AdmissionMatchRules.check(
                constraints, path.child("matchConstraints"), needsRules: true, &errors)
        } else {
            errors.required(path.child("matchConstraints"))
        }
        AdmissionRules.checkConditions(spec["matchConditions"]?.array ?? [], path.child("matchConditions"), &errors)
        checkVariables(spec["variables"]?.array ?? [], path.child("variables"), &errors)
        if isMutating { checkMutations(spec, path, &errors) } else { checkValidations(spec, path, &errors) }
        return errors
    }

    private func checkParamKind(_ kind: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let version = kind.text("apiVersion")
        if version.isEmpty {
            errors.required(path.child("apiVersion"))
        } else if version.split(separator: "/", omittingEmptySubsequences: false).count > 2 {
            errors.invalid(
                path.child("apiVersion"), .string(version), "unexpected GroupVersion string: \(version)")
        }
        if kind.text("kind").isEmpty { errors.required(path.child("kind")) }
    }

    private func checkVariables(_ variables: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var names: Set<String> = []
        for (index, variable) in variables.enumerated() {
            let path = path.index(index)
            let name = variable.text("name")
            if name.isEmpty {
                errors.required(path.child("name"), "name is not specified")
            } else if !AdmissionExpressions.isIdentifier(name) {
                errors.invalid(path.child("name"), .string(name), "name is not a valid CEL identifier")
            }
            if !names.insert(name).inserted { errors.duplicate(path.child("name"), .string(name)) }
            AdmissionExpressions.check(variable.text("expression"), path.child("expression"), &errors)
        }
    }

    private func checkValidations(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let validations = spec["validations"]?.array ?? []
        let annotations = spec["auditAnnotations"]?.array ?? []
        if validations.isEmpty, annotations.isEmpty {
            let message = "validations or auditAnnotations must contain at least one item"
            errors.required(path.child("validations"), message)
            errors.required(path.child("auditAnnotations"), message)
        }
        for (index, validation) in validations.enumerated() {
            let path = path.child("validations").index(index)
            AdmissionExpressions.check(validation.text("expression"), path.child("expression"), &errors)
            if let message = validation.at("message")?.string, message.contains(where: \.isNewline) {
                errors.invalid(path.child("message"), .string(message), "message must not contain line breaks")
            }
            if let text = validation.at("messageExpression")?.string {
                AdmissionExpressions.check(text, path.child("messageExpression"), &errors)
            }
            if let reason = validation.at("reason")?.string {
                errors.oneOf(path.child("reason"), reason, Self.reasons)
            }
        }
        var keys: Set<String> = []
        for (index, annotation) in annotations.enumerated() {
            let path = path.child("auditAnnotations").index(index)
            let key = annotation.text("key")
            if key.isEmpty {
                errors.required(path.child("key"))
            } else {
                errors.invalid(path.child("key"), .string(key), Validation.qualifiedName(key))
            }
            if !keys.insert(key).inserted { errors.duplicate(path.child("key"), .string(key)) }
            AdmissionExpressions.check(annotation.text("valueExpression"), path.child("valueExpression"), &errors)
        }
    }

    private func checkMutations(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        errors.oneOf(path.child("reinvocationPolicy"), spec.text("reinvocationPolicy"), ["IfNeeded", "Never"])
        let mutations = spec["mutations"]?.array ?? []
        if mutations.isEmpty { errors.required(path.child("mutations"), "mutations must contain at least one item") }
        let forms = [("ApplyConfiguration", "applyConfiguration"), ("JSONPatch", "jsonPatch")]
        for (index, mutation) in mutations.enumerated() {
            let path = path.child("mutations").index(index)
            let type = mutation.text("patchType")
            errors.oneOf(path.child("patchType"), type, forms.map(\.0))
            for (name, key) in forms where name == type {
                if let form = mutation.at(key) {
                    AdmissionExpressions.check(
                        form.text("expression"), path.child(key).child("expression"), &errors)
                } else {
                    errors.required(path.child(key), "must be specified when patchType is \(name)")
                }
            }
            for (name, key) in forms where name != type && mutation.at(key) != nil {
                errors.invalid(path.child(key), .string(type), "must not be specified when patchType is \(type)")
            }
        }
    }
}
