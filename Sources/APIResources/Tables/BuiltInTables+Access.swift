import KubeModel

extension BuiltInTables {
    static let roles = TableColumns([
        .name, TableColumn("Created At", description: "When the object was created."),
    ]) { object, now in
        [
            TableCells(object: object, now: now).name,
            .string(object["metadata"]["creationTimestamp"].string ?? TableCells.unknown),
        ]
    }

    static let roleBindings = table(
        [TableColumn("Role", description: "Kind and name of the role.")],
        trailing: [
            TableColumn("Users", description: "Users who have the role.", priority: 1),
            TableColumn("Groups", description: "Groups that have the role.", priority: 1),
            TableColumn("ServiceAccounts", description: "Service accounts that have the role.", priority: 1),
        ]
    ) { row in
        let role = row.object["roleRef"]
        let subjects = row.object["subjects"].array ?? []
        func names(_ kind: String) -> JSONValue {
            .string(
                subjects.filter { $0["kind"]?.string == kind }.map { subject in
                    let name = subject["name"]?.string ?? ""
                    return kind == "ServiceAccount" ? "\(subject["namespace"]?.string ?? "")/\(name)" : name
                }.joined(separator: ", "))
        }
        return (
            [.string("\(role["kind"].string ?? "")/\(role["name"].string ?? "")")],
            [names("User"), names("Group"), names("ServiceAccount")]
        )
    }
}
