import KubeModel

/// `metallb.io/v1beta1 BFDProfile`: its schema says all.
struct BFDProfileStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "metallb.io", "v1beta1", "BFDProfile", "bfdprofiles", hasStatus: true)
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true
}
