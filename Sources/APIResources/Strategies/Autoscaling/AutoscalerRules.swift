import KubeModel

/// The rules of autoscalers (kube-apiserver's ValidateHorizontalPodAutoscaler).
enum AutoscalerRules {
    private static let sources = [
        "Object": "object", "Pods": "pods", "Resource": "resource", "ContainerResource": "containerResource",
        "External": "external",
    ]

    /// What both versions have.
    static func checkSpec(_ spec: JSONValue, _ errors: inout [FieldError]) {
        let path = FieldPath("spec")
        if let minimum = spec.at("minReplicas"), minimum.int ?? 0 < 1 {
            errors.invalid(path.child("minReplicas"), minimum, "must be greater than or equal to 1")
        }
        let maximum = spec["maxReplicas"] ?? 0
        if maximum.int ?? 0 < 1 { errors.invalid(path.child("maxReplicas"), maximum, "must be greater than 0") }
        if let minimum = spec["minReplicas"]?.int, maximum.int ?? 0 < minimum {
            errors.invalid(path.child("maxReplicas"), maximum, "must be greater than or equal to `minReplicas`")
        }
        for key in ["kind", "name"] {
            checkName(spec["scaleTargetRef"].flatMap { $0[key]?.string }, path.child("scaleTargetRef", key), &errors)
        }
    }

    static func checkStatus(_ object: JSONValue, _ errors: inout [FieldError]) {
        errors.nonnegative(FieldPath("status"), object["status"], ["currentReplicas", "desiredReplicas"])
    }

    static func checkMetrics(_ metrics: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, metric) in metrics.enumerated() {
            let path = path.index(index)
            let type = metric.text("type")
            guard !type.isEmpty else {
                errors.required(path.child("type"), "must specify a metric source type")
                continue
            }
            guard let key = sources[type] else {
                errors.notSupported(path.child("type"), type, sources.keys.sorted())
                continue
            }
            guard let source = metric.at(key) else {
                errors.required(
                    path.child(key), "must populate information for the given metric source")
                continue
            }
            for other in sources.values.sorted() where other != key && metric.at(other) != nil {
                errors.forbidden(
                    path.child(other), "must populate the given metric source only")
            }
            check(source, key, path.child(key), &errors)
        }
    }

    private static func check(_ source: JSONValue, _ key: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkTarget(source["target"] ?? [:], path.child("target"), &errors)
        let target = source["target"] ?? [:]
        switch key {
        case "resource", "containerResource":
            if source.text("name").isEmpty { errors.required(path.child("name"), "must specify a resource name") }
            if key == "containerResource" { checkName(source["container"]?.string, path.child("container"), &errors) }
            switch (target.at("averageUtilization"), target.at("averageValue")) {
            case (nil, nil):
                errors.required(
                    path.child("target", "averageUtilization"),
                    "must set either a target raw value or a target utilization")
            case (.some, .some):
                errors.forbidden(
                    path.child("target", "averageValue"),
                    "may not set both a target raw value and a target utilization")
            default: break
            }
        default:
            checkName(source["metric"].flatMap { $0["name"]?.string }, path.child("metric", "name"), &errors)
            if let selector = LabelSelector(document: source["metric"]["selector"]) {
                errors += Validation.labelSelector(selector, at: path.child("metric", "selector"))
            }
            if key == "object" {
                for field in ["kind", "name"] {
                    checkName(
                        source["describedObject"].flatMap { $0[field]?.string }, path.child("describedObject", field),
                        &errors)
                }
            }
            if key == "pods", target.at("averageValue") == nil {
                errors.required(path.child("target", "averageValue"), "must specify a positive target averageValue")
            }
            if key != "pods", target.at("value") == nil, target.at("averageValue") == nil {
                errors.required(
                    path.child("target", "averageValue"),
                    "must set either a target value or averageValue")
            }
        }
    }

    private static func checkTarget(_ target: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = target.text("type")
        if type.isEmpty {
            errors.required(path.child("type"), "must specify a metric target type")
        } else if !["Utilization", "Value", "AverageValue"].contains(type) {
            errors.invalid(
                path.child("type"), .string(type), "must be either Utilization, Value, or AverageValue")
        }
        for key in ["value", "averageValue"] {
            guard let value = target.at(key) else { continue }
            if let quantity = ResourceRules.quantity(value) {
                if quantity.nanos <= 0 { errors.invalid(path.child(key), value, "must be positive") }
            } else {
                errors.invalid(path.child(key), value, Quantity.syntaxMessage)
            }
        }
        if let percent = target.at("averageUtilization"), percent.int ?? 0 < 1 {
            errors.invalid(path.child("averageUtilization"), percent, "must be greater than 0")
        }
    }

    static func checkScaling(_ rules: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let window = rules.at("stabilizationWindowSeconds") {
            errors.nonnegative(path.child("stabilizationWindowSeconds"), window)
            if window.int ?? 0 > 3600 {
                errors.invalid(
                    path.child("stabilizationWindowSeconds"), window, "must be less than or equal to 3600")
            }
        }
        if let select = rules["selectPolicy"]?.string {
            errors.oneOf(path.child("selectPolicy"), select, ["Disabled", "Max", "Min"])
        }
        let policies = rules["policies"]?.array ?? []
        if policies.isEmpty { errors.required(path.child("policies"), "must specify at least one Policy") }
        for (index, policy) in policies.enumerated() {
            let path = path.child("policies").index(index)
            errors.oneOf(path.child("type"), policy.text("type"), ["Percent", "Pods"])
            for (key, maximum) in [("value", Int.max), ("periodSeconds", 1800)] {
                let number = policy[key]?.int ?? 0
                if number <= 0 {
                    errors.invalid(path.child(key), policy[key] ?? 0, "must be greater than zero")
                } else if number > maximum {
                    errors.invalid(path.child(key), policy[key] ?? 0, "must be less than or equal to \(maximum)")
                }
            }
        }
    }

    private static func checkName(_ name: String?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let name, !name.isEmpty else { return errors.required(path) }
        errors.invalid(path, .string(name), Validation.pathSegmentName(name))
    }
}
