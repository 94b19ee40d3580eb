import KubeModel

extension BuiltInTables {
    /// For both versions: objects of autoscaling/v1 are read as what they are stored as.
    static let autoscalers = table([
        TableColumn("Reference", description: "What is scaled."),
        TableColumn("Targets", description: "Current and wanted values of the metrics."),
        TableColumn("MinPods", description: "Least number of Pods."),
        TableColumn("MaxPods", type: "integer", description: "Greatest number of Pods."),
        TableColumn("Replicas", type: "integer", description: "Pods there are."),
    ]) { row in
        let object = row.object["apiVersion"] == "autoscaling/v1" ? AutoscalerForms.stored(row.object) : row.object
        let spec = object["spec"]
        let target = spec["scaleTargetRef"]
        return [
            .string("\(target["kind"].string ?? "")/\(target["name"].string ?? "")"),
            .string(targets(spec["metrics"].array ?? [], object["status"]["currentMetrics"].array ?? [])),
            .string(spec["minReplicas"].int.map(String.init) ?? "<unset>"),
            .integer(Int64(spec["maxReplicas"].int ?? 0)),
            .integer(Int64(object["status"]["currentReplicas"].int ?? 0)),
        ]
    }

    private static func targets(_ metrics: [JSONValue], _ current: [JSONValue]) -> String {
        guard !metrics.isEmpty else { return "<none>" }
        let texts = metrics.enumerated().prefix(2).map { index, metric in
            let type = metric["type"]?.string ?? ""
            let key = type.prefix(1).lowercased() + type.dropFirst()
            let now = index < current.count ? current[index][key]["current"] : nil
            let wanted = metric[key]["target"]
            let text = "\(amount(now) ?? "<unknown>")/\(amount(wanted) ?? "<auto>")"
            switch type {
            case "Resource", "ContainerResource": return "\(metric[key]["name"].string ?? ""): \(text)"
            case "External", "Object": return wanted["averageValue"] == nil ? text : text + " (avg)"
            default: return text
            }
        }
        let rest = metrics.count - texts.count
        return texts.joined(separator: ", ") + (rest > 0 ? " + \(rest) more..." : "")
    }

    private static func amount(_ values: JSONValue?) -> String? {
        if let percent = values["averageUtilization"].int { return "\(percent)%" }
        return values["averageValue"].string ?? values["value"].string
    }
}
