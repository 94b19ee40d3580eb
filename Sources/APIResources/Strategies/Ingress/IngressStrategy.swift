import KubeModel

/// `networking.k8s.io/v1 Ingress`, with the admission step that gives it the default class.
struct IngressStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "networking.k8s.io", "v1", "Ingress", "ingresses", short: ["ing"], hasStatus: true)
    let generationRule = GenerationRule.spec
    let defaultClasses: DefaultIngressClasses

    static let classAnnotation = "kubernetes.io/ingress.class"

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        object["status"] = .emptyLoadBalancer
    }

    /// The default class, where none is named.
    func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        guard object.at("spec", "ingressClassName") == nil,
            object.at("metadata", "annotations", Self.classAnnotation) == nil,
            let name = defaultClasses.current
        else { return }
        var spec = object["spec"]?.object ?? JSONObject()
        spec["ingressClassName"] = .string(name)
        object["spec"] = .object(spec)
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = IngressRules.check(object["spec"])
        if let value = object.at("metadata", "annotations", Self.classAnnotation),
            let name = object.at("spec", "ingressClassName"), value != name
        {
            errors.invalid(
                FieldPath("annotations").child(Self.classAnnotation), value,
                "must match `ingressClassName` when both are specified")
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        IngressRules.check(object["spec"], replacing: old["spec"])
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        LoadBalancerStatusRules.checkIngress(object)
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        guard old == nil, object.at("metadata", "annotations", Self.classAnnotation) != nil,
            object.at("spec", "ingressClassName") == nil
        else { return [] }
        return [
            "annotation \"\(Self.classAnnotation)\" is deprecated, please use 'spec.ingressClassName' instead"
        ]
    }
}
