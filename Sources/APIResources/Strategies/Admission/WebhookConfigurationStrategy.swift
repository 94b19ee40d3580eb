import KubeModel
import Store

/// `admissionregistration.k8s.io/v1` ValidatingWebhookConfiguration and MutatingWebhookConfiguration: kept and checked.
/// Nothing calls the webhooks yet, which every write says in a warning.
struct WebhookConfigurationStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let generationRule = GenerationRule.content

    static let group = "admissionregistration.k8s.io"

    /// Versions of AdmissionReview that kube-apiserver can send.
    private static let reviewVersions = ["v1", "v1beta1"]

    init(isMutating: Bool) {
        definition =
            isMutating
            ? .builtIn(
                Self.group, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", namespaced: false,
                categories: ["api-extensions"])
            : .builtIn(
                Self.group, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations",
                namespaced: false, categories: ["api-extensions"])
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        (object["webhooks"]?.array ?? []).isEmpty
            ? [] : ["\(definition.kind): stored, but this server does not call admission webhooks yet"]
    }

    func companions(of object: JSONValue?, replacing old: JSONValue?, _ context: StrategyContext) -> [Write] {
        IdleObjectEvent.companions(of: object, replacing: old, now: context.now) { warnings(for: $0, replacing: nil) }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var names: Set<String> = []
        for (index, webhook) in (object["webhooks"]?.array ?? []).enumerated() {
            let path = FieldPath("webhooks").index(index)
            let name = webhook.text("name")
            check(webhook, path, &errors)
            if !name.isEmpty, !names.insert(name).inserted {
                errors.duplicate(path.child("name"), .string(name))
            }
        }
        return errors
    }

    private func check(_ webhook: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        errors += Validation.fullyQualifiedDomainName(webhook.text("name"), at: path.child("name"))
        for (index, rule) in (webhook["rules"]?.array ?? []).enumerated() {
            AdmissionRules.check(rule, path.child("rules").index(index), &errors)
        }
        errors.oneOf(path.child("failurePolicy"), webhook.text("failurePolicy"), ["Fail", "Ignore"])
        errors.oneOf(path.child("matchPolicy"), webhook.text("matchPolicy"), ["Equivalent", "Exact"])
        if let effects = webhook.at("sideEffects")?.string {
            errors.oneOf(path.child("sideEffects"), effects, ["None", "NoneOnDryRun"])
        } else {
            errors.required(path.child("sideEffects"), "must specify one of None, NoneOnDryRun")
        }
        if let timeout = webhook.at("timeoutSeconds"), !(1...30).contains(timeout.int ?? 0) {
            errors.invalid(
                path.child("timeoutSeconds"), timeout, "the timeout value must be between 1 and 30 seconds")
        }
        if let policy = webhook.at("reinvocationPolicy")?.string {
            errors.oneOf(path.child("reinvocationPolicy"), policy, ["IfNeeded", "Never"])
        }
        for key in ["namespaceSelector", "objectSelector"] {
            if let selector = LabelSelector(document: webhook[key]) {
                errors += Validation.labelSelector(selector, at: path.child(key))
            }
        }
        WebhookClientRules.check(webhook["clientConfig"] ?? [:], path.child("clientConfig"), &errors)
        checkVersions(webhook["admissionReviewVersions"]?.array ?? [], path.child("admissionReviewVersions"), &errors)
        AdmissionRules.checkConditions(
            webhook["matchConditions"]?.array ?? [], path.child("matchConditions"), &errors)
    }

    private func checkVersions(_ versions: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !versions.isEmpty else {
            return errors.required(path, "must specify one of \(Self.reviewVersions.joined(separator: ", "))")
        }
        var seen: Set<String> = []
        for (index, version) in versions.map({ $0.string ?? "" }).enumerated() {
            if !seen.insert(version).inserted {
                errors.invalid(path.index(index), .string(version), "duplicate version")
                continue
            }
            errors.invalid(path.index(index), .string(version), Validation.dns1035Label(version))
        }
        if seen.isDisjoint(with: Self.reviewVersions) {
            errors.invalid(
                path, .array(versions), "must include at least one of \(Self.reviewVersions.joined(separator: ", "))")
        }
    }
}
