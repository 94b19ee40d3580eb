import KubeModel

/// `v1.PodTemplate`.
struct PodTemplateStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("", "v1", "PodTemplate", "podtemplates")
    let returnsDeletedObject = true
    let generationRule = GenerationRule.content

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        object.setDefault("template", ["metadata": [:], "spec": [:]])
        PodDefaults.apply(toTemplate: &object["template"])
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        object["template"] == old?["template"]
            ? [] : PodWarnings.check(object["template"]["spec"], FieldPath("template", "spec"))
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        prepareForCreate(&object, context)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        PodTemplateRules.check(object["template"], FieldPath("template"), &errors)
        return errors
    }

}
