import KubeModel

extension BuiltInTables {
    /// The name and the moment of creation, as kinds without printers of their own are shown.
    static let customResourceDefinitions = TableColumns([
        .name, TableColumn("Created At", type: "date", description: "When the object was created, in UTC."),
    ]) { object, _ in
        [
            .string(object["metadata"]["name"].string ?? ""),
            .string(object["metadata"]["creationTimestamp"].string ?? ""),
        ]
    }
}
