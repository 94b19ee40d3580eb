import KubeModel

/// `metallb.io/v1beta1 ServiceL2Status` and `ServiceBGPStatus`: which node announces the addresses of a Service, and where to.
struct AnnouncementStatusStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    init(_ kind: String, plural: String) {
        definition = .builtIn("metallb.io", "v1beta1", kind, plural, hasStatus: true)
    }

    static let layer2 = AnnouncementStatusStrategy("ServiceL2Status", plural: "servicel2statuses")
    static let bgp = AnnouncementStatusStrategy("ServiceBGPStatus", plural: "servicebgpstatuses")

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for key in ["node", "serviceName", "serviceNamespace"] {
            guard let before = old.at("status", key), before != object.at("status", key) else { continue }
            errors.invalid(FieldPath("status").child(key), object.at("status", key) ?? .null, "Value is immutable")
        }
        return errors
    }
}
