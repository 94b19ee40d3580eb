import KubeModel

/// `events.k8s.io/v1 Event`: another view of the stored `v1.Event`.
struct EventsEventStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("events.k8s.io", "v1", "Event", "events", short: ["ev"])
    let allowsCreateOnUpdate = true
    let dependentsPolicy = DependentsPolicy.unsupported
    let timeToLiveSeconds: Int? = 3600
    let selectableFieldNames =
        EventRules.referenceFields.map { "regarding.\($0)" } + ["reason", "reportingController", "type"]

    var storedForm: StoredForm? {
        StoredForm(definition: EventStrategy.stored, encode: EventForms.stored, decode: EventForms.served)
    }

    func selectableFields(of object: JSONValue) -> [String: String] {
        EventRules.selectableFields(ofStored: object)
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        EventRules.check(object, names: .events) + EventRules.checkNewStyle(object)
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        EventRules.check(object, names: .events)
            + (old.at("eventTime") == nil ? [] : EventRules.checkNewStyleUpdate(object, from: old))
    }
}
