import KubeModel

/// `coordination.k8s.io/v1 Lease`.
struct LeaseStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("coordination.k8s.io", "v1", "Lease", "leases")
    let allowsCreateOnUpdate = true
    let allowsUnconditionalUpdate = false

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        if let duration = object.at("spec", "leaseDurationSeconds"), duration.int ?? 0 <= 0 {
            errors.invalid(path.child("leaseDurationSeconds"), duration, "must be greater than 0")
        }
        if let transitions = object.at("spec", "leaseTransitions"), transitions.int ?? 0 < 0 {
            errors.invalid(path.child("leaseTransitions"), transitions, "must be greater than or equal to 0")
        }
        if let strategy = object["spec"]?["strategy"]?.string {
            errors.invalid(path.child("strategy"), .string(strategy), Validation.qualifiedName(strategy))
        }
        if let holder = object["spec"]?["preferredHolder"]?.string, !holder.isEmpty,
            object.text("spec", "strategy").isEmpty
        {
            errors.forbidden(path.child("preferredHolder"), "may not be specified when `strategy` is not set")
        }
        return errors
    }
}
