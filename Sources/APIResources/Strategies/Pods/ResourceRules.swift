import KubeModel

/// The rules of resource lists such as `limits`, and their canonical form.
enum ResourceRules {
    private static let standard: Set = ["cpu", "memory", "ephemeral-storage", "storage"]

    /// A list of amounts by resource.
    static func check(_ list: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (name, value) in list { check(name, value, path.key(name), &errors) }
    }

    /// `limits` and `requests` of a container.
    static func checkRequirements(_ resources: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let limits = resources["limits"]?.object ?? JSONObject()
        let requests = resources["requests"]?.object ?? JSONObject()
        for (name, value) in limits {
            checkContainerName(name, path.child("limits"), &errors)
            check(name, value, path.child("limits").key(name), &errors)
        }
        for (name, value) in requests {
            checkContainerName(name, path.child("requests"), &errors)
            check(name, value, path.child("requests").key(name), &errors)
            guard let limit = limits[name].flatMap(quantity), let request = quantity(value) else { continue }
            if request > limit {
                errors.invalid(
                    path.child("requests"), .string(request.description),
                    "must be less than or equal to \(name) limit of \(limit)")
            }
        }
    }

    static func quantity(_ value: JSONValue) -> Quantity? {
        switch value {
        case .string(let text): Quantity(text)
        case .integer, .number: Quantity(value.description)
        default: nil
        }
    }

    /// Brings the amounts of a list into the form in which Kubernetes stores them, no finer than 10⁻³.
    static func canonicalize(_ list: inout JSONValue?) {
        guard case .object(var object)? = list else { return }
        list = nil
        object.updateValues { _, value in
            // What is no quantity stays, for the rules to name.
            if let quantity = quantity(value) { value = .string(quantity.roundedUp(toPowerOfTen: -3).description) }
        }
        list = .object(object)
    }

    private static func check(_ name: String, _ value: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let quantity = quantity(value) else { return errors.invalid(path, value, Quantity.syntaxMessage) }
        if quantity.nanos < 0 {
            errors.invalid(path, .string(quantity.description), "must be greater than or equal to 0")
        }
        if name.contains("/"), !name.hasPrefix("kubernetes.io/"), !quantity.isWhole {
            errors.invalid(path, .string(quantity.description), "must be an integer")
        }
    }

    private static func checkContainerName(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let problems = Validation.qualifiedName(name)
        errors.invalid(path.key(name), .string(name), problems)
        guard problems.isEmpty, !name.contains("/"), !standard.contains(name), !name.hasPrefix("hugepages-") else {
            return
        }
        errors.invalid(path.key(name), .string(name), "must be a standard resource type or fully qualified")
        errors.invalid(path.key(name), .string(name), "must be a standard resource for containers")
    }
}
