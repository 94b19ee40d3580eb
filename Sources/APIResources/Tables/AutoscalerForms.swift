import KubeModel

/// Autoscalers are stored as autoscaling/v2. What autoscaling/v1 has no field for travels in annotations, so that a
/// client of the first version writes back what it does not know.
enum AutoscalerForms {
    private static let metrics = "autoscaling.alpha.kubernetes.io/metrics"
    private static let behavior = "autoscaling.alpha.kubernetes.io/behavior"
    private static let conditions = "autoscaling.alpha.kubernetes.io/conditions"

    /// What is scaled by when nothing is said.
    static let defaultMetrics: JSONValue = [
        [
            "type": "Resource",
            "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
        ]
    ]

    /// v1 → v2.
    static func stored(_ served: JSONValue) -> JSONValue {
        var object = served
        var list: [JSONValue] = []
        if let percent = object["spec"]["targetCPUUtilizationPercentage"] {
            list.append([
                "type": "Resource",
                "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": percent]],
            ])
        }
        object["spec"]["targetCPUUtilizationPercentage"] = nil
        list += take(metrics, from: &object)?.array ?? []
        object["spec"]["metrics"] = list.isEmpty ? defaultMetrics : .array(list)
        if let behavior = take(behavior, from: &object) { object["spec"]["behavior"] = behavior }
        if let percent = object["status"]["currentCPUUtilizationPercentage"] {
            object["status"]["currentMetrics"] = [
                [
                    "type": "Resource",
                    "resource": ["name": "cpu", "current": ["averageUtilization": percent]],
                ]
            ]
            object["status"]["currentCPUUtilizationPercentage"] = nil
        }
        if let conditions = take(conditions, from: &object) { object["status"]["conditions"] = conditions }
        object["apiVersion"] = "autoscaling/v2"
        return object
    }

    /// v2 → v1.
    static func served(_ stored: JSONValue) -> JSONValue {
        var object = stored
        var others: [JSONValue] = []
        var percent: JSONValue?
        for metric in object["spec"]["metrics"].array ?? [] {
            if percent == nil, let value = utilization(of: metric) { percent = value } else { others.append(metric) }
        }
        object["spec"]["metrics"] = nil
        object["spec"]["targetCPUUtilizationPercentage"] = percent
        put(others.isEmpty ? nil : .array(others), metrics, into: &object)
        put(object["spec"]["behavior"], behavior, into: &object)
        object["spec"]["behavior"] = nil
        let current = (object["status"]["currentMetrics"].array ?? []).first { $0["resource"]["name"] == "cpu" }
        object["status"]["currentMetrics"] = nil
        object["status"]["currentCPUUtilizationPercentage"] = current?["resource"]["current"]["averageUtilization"]
        put(object["status"]["conditions"], conditions, into: &object)
        object["status"]["conditions"] = nil
        object["apiVersion"] = "autoscaling/v1"
        return object
    }

    private static func utilization(of metric: JSONValue) -> JSONValue? {
        guard metric["type"] == "Resource", metric["resource"]["name"] == "cpu" else { return nil }
        return metric["resource"]["target"]["averageUtilization"]
    }

    private static func put(_ value: JSONValue?, _ key: String, into object: inout JSONValue) {
        if let value { object["metadata"]["annotations"][key] = .string(value.description) }
    }

    private static func take(_ key: String, from object: inout JSONValue) -> JSONValue? {
        guard let text = object["metadata"]["annotations"][key].string else { return nil }
        object["metadata"]["annotations"][key] = nil
        if object["metadata"]["annotations"].object?.isEmpty ?? false { object["metadata"]["annotations"] = nil }
        // What some client made unreadable is lost, as it is in Kubernetes.
        return try? JSONParser.parse(Array(text.utf8))
    }
}
