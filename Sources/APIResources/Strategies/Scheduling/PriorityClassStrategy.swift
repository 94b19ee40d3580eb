import KubeModel

/// `scheduling.k8s.io/v1.PriorityClass`. Keeps ``PriorityClasses`` up to date with what is stored.
struct PriorityClassStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", namespaced: false, short: ["pc"])
    let priorities: PriorityClasses
    let holdsClaims = true
    let allowsUnconditionalUpdate = true
    let generationRule = GenerationRule.none

    /// Highest value of a class that is not the system's.
    private static let highestUserValue = 1_000_000_000
    /// The classes of the system, which may not be anything else.
    private static let system = Dictionary(
        uniqueKeysWithValues: PriorityClasses.system.map { ($0.name, Int($0.value)) })

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        guard !object.isBeingRemoved else { return nil }
        let entry = PriorityClasses.Entry(object)
        if entry.isDefault, let present = priorities.fallback, present.name != entry.name {
            throw .forbidden(
                definition.groupResource, entry.name,
                "PriorityClass \(present.name) is already marked as default. Only one default can exist")
        }
        return PriorityClasses.Change(classes: priorities, entry: entry)
    }

    func release(_ object: JSONValue) { priorities.remove(object.text("metadata", "name")) }

    func restore(_ object: JSONValue) { priorities.put(PriorityClasses.Entry(object)) }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let name = object.text("metadata", "name")
        let value = object["value"]?.int ?? 0
        if name.hasPrefix("system-") {
            if Self.system[name] != value {
                errors.forbidden(
                    FieldPath("metadata", "name"),
                    "priority class names with 'system-' prefix are reserved for system use only. error: "
                        + (Self.system[name].map { "value of \(name) PriorityClass must be \($0)" }
                            ?? "\(name) is not a known system priority class"))
            }
        } else if value > Self.highestUserValue {
            errors.forbidden(
                FieldPath("value"), "maximum allowed value of a user defined priority is \(Self.highestUserValue)")
        }
        let policy = object.text("preemptionPolicy")
        errors.oneOf(FieldPath("preemptionPolicy"), policy, ["Never", "PreemptLowerPriority"])
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        if (object["value"]?.int ?? 0) != (old["value"]?.int ?? 0) {
            errors.forbidden(FieldPath("value"), "may not be changed in an update.")
        }
        errors.immutable(FieldPath("preemptionPolicy"), object["preemptionPolicy"], old["preemptionPolicy"])
        return errors
    }
}
