import KubeModel

/// `networking.k8s.io/v1 IngressClass`. Keeps ``DefaultIngressClasses`` up to date with what is stored.
struct IngressClassStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced: false)
    let holdsClaims = true
    let generationRule = GenerationRule.spec
    let defaultClasses: DefaultIngressClasses

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        applyDefaults(&object)
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        applyDefaults(&object)
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        errors.immutable(
            FieldPath("spec").child("controller"), object["spec"]?["controller"], old["spec"]?["controller"])
        return errors + validate(object, context)
    }

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        object.isBeingRemoved ? nil : DefaultIngressClasses.Change(classes: defaultClasses, entry: .init(object))
    }

    func release(_ object: JSONValue) {
        defaultClasses.remove(object.text("metadata", "name"))
    }

    func restore(_ object: JSONValue) {
        defaultClasses.put(.init(object))
    }

    private func applyDefaults(_ object: inout JSONValue) {
        guard var spec = object["spec"]?.object, var parameters = spec["parameters"]?.object,
            parameters["scope"]?.string == nil
        else { return }
        parameters["scope"] = "Cluster"
        spec["parameters"] = .object(parameters)
        object["spec"] = .object(spec)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        ControllerNameRule.check(object.text("spec", "controller"), FieldPath("spec").child("controller"), &errors)
        if let parameters = object.at("spec", "parameters") {
            checkParameters(parameters, FieldPath("spec").child("parameters"), &errors)
        }
        return errors
    }

    private func checkParameters(_ parameters: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        IngressRules.checkReference(parameters, path, &errors)
        let scope = parameters.text("scope")
        let namespace = parameters["namespace"]?.string
        let namespacePath = path.child("namespace")
        switch scope {
        case "Namespace":
            if let namespace {
                errors.invalid(namespacePath, .string(namespace), Validation.dns1123Label(namespace))
            } else {
                errors.required(namespacePath, "`parameters.scope` is set to 'Namespace'")
            }
        case "Cluster":
            if namespace != nil { errors.forbidden(namespacePath, "`parameters.scope` is set to 'Cluster'") }
        default: errors.notSupported(path.child("scope"), scope, ["Cluster", "Namespace"])
        }
    }
}
