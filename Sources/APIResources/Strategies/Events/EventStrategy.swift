import KubeModel

/// `v1.Event`.
struct EventStrategy: ResourceStrategy {
    let definition = Self.stored
    let allowsCreateOnUpdate = true
    /// `legacyValidateEvent` does not look at the name.
    let nameRule = NameRule.pathSegment
    let dependentsPolicy = DependentsPolicy.unsupported
    /// kube-apiserver's `--event-ttl` of one hour.
    let timeToLiveSeconds: Int? = 3600
    let selectableFieldNames =
        EventRules.referenceFields.map { "involvedObject.\($0)" }
        + ["reason", "reportingComponent", "source", "type"]

    static let stored = ResourceDefinition.builtIn("", "v1", "Event", "events", short: ["ev"])

    func selectableFields(of object: JSONValue) -> [String: String] {
        EventRules.selectableFields(ofStored: object)
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        EventRules.check(object, names: .core)
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        EventRules.check(object, names: .core)
    }
}
