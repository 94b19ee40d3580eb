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

    static let persistentVolumeClaims = table(
        [
            TableColumn("Status", description: "Whether the claim is bound."),
            TableColumn("Volume", description: "Volume the claim is bound to."),
            TableColumn("Capacity", description: "Size of the volume."),
            TableColumn("Access Modes", description: "How the volume can be mounted."),
            TableColumn("StorageClass", description: "Class of the storage."),
            TableColumn("VolumeAttributesClass", description: "Class of the volume's changeable attributes."),
        ], trailing: [TableColumn("VolumeMode", description: "File system or bare device.", priority: 1)]
    ) { row in
        let spec = row.object["spec"]
        let status = row.object["status"]
        let isDeleted = row.object["metadata"]["deletionTimestamp"].string != nil
        let isBound = !(spec["volumeName"].string ?? "").isEmpty
        let modes = (status["accessModes"].array ?? []).compactMap { accessModes[$0.string ?? ""] }
        return (
            [
                isDeleted ? "Terminating" : .string(status["phase"].string ?? ""),
                .string(spec["volumeName"].string ?? ""),
                .string(isBound ? status["capacity"]["storage"].string ?? "" : ""),
                .string(isBound ? modes.joined(separator: ",") : ""),
                .string(spec["storageClassName"].string ?? ""),
                TableCells.text(spec["volumeAttributesClassName"], or: "<unset>"),
            ], [TableCells.text(spec["volumeMode"], or: "<unset>")]
        )
    }

    static let accessModes = [
        "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP",
    ]
}
