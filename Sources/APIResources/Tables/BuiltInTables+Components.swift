import KubeModel

extension BuiltInTables {
    /// Without an age: nobody keeps these.
    static let componentStatuses = TableColumns([
        .name,
        TableColumn("Status", description: "Whether the component is well."),
        TableColumn("Message", description: "What the component says."),
        TableColumn("Error", description: "Why it is not well."),
    ]) { object, now in
        let health = object["conditions"].array?.first { $0["type"].string == "Healthy" }
        let status = health.map { $0["status"].string == "True" ? "Healthy" : "Unhealthy" } ?? "Unknown"
        return [
            TableCells(object: object, now: now).name, .string(status), .string(health?.text("message") ?? ""),
            .string(health?.text("error") ?? ""),
        ]
    }
}
