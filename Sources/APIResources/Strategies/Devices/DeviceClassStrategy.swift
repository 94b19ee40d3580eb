import KubeModel

/// `resource.k8s.io/v1.DeviceClass`: kept and checked; nothing acts on it.
struct DeviceClassStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        Self.group, "v1", "DeviceClass", "deviceclasses", namespaced: false)
    let generationRule = GenerationRule.spec

    static let group = "resource.k8s.io"

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        DeviceRules.checkSelectors(object["spec"]["selectors"].array ?? [], path.child("selectors"), &errors)
        DeviceRules.checkConfiguration(object["spec"]["config"].array ?? [], path.child("config"), nil, &errors)
        return errors
    }

}
