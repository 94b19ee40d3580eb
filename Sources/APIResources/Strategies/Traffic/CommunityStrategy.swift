import KubeModel

/// `metallb.io/v1beta1 Community`: names for BGP communities.
struct CommunityStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "metallb.io", "v1beta1", "Community", "communities", hasStatus: true)
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var names: Set<String> = []
        for (index, alias) in (object["spec"]["communities"].array ?? []).enumerated() {
            let path = FieldPath("spec").child("communities").index(index)
            let name = alias.text("name")
            if name.isEmpty { errors.required(path.child("name")) }
            if !names.insert(name).inserted { errors.duplicate(path.child("name"), .string(name)) }
            let value = alias.text("value")
            switch CommunityRules.judge(value) {
            case .community: break
            case .name:
                errors.invalid(
                    path.child("value"), .string(value),
                    "must be a community, (e.g. 65000:100 or large:64512:1:2)")
            case .invalid(let reason): errors.invalid(path.child("value"), .string(value), reason)
            }
        }
        return errors
    }
}
