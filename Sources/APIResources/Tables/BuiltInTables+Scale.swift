import KubeModel

extension BuiltInTables {
    package static let scales = table([
        TableColumn("Desired", type: "integer", description: "Wanted number of replicas."),
        TableColumn("Available", type: "integer", description: "Number of replicas there are."),
    ]) { row in
        [
            .integer(Int64(row.object["spec"]["replicas"].int ?? 0)),
            .integer(Int64(row.object["status"]["replicas"].int ?? 0)),
        ]
    }
}
