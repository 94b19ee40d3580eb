import KubeModel

extension BuiltInTables {
    static let persistentVolumes = table(
        [
            TableColumn("Capacity", description: "Size of the volume."),
            TableColumn("Access Modes", description: "How the volume can be mounted."),
            TableColumn("Reclaim Policy", description: "What happens when its claim is gone."),
            TableColumn("Status", description: "Whether the volume is bound."),
            TableColumn("Claim", description: "Claim that the volume is bound to."),
            TableColumn("StorageClass", description: "Class of the storage."),
            TableColumn("VolumeAttributesClass", description: "Class of the volume's changeable attributes."),
            TableColumn("Reason", description: "Why the volume is in this state."),
        ], trailing: [TableColumn("VolumeMode", description: "File system or bare device.", priority: 1)]
    ) { row in
        let spec = row.object["spec"]
        let status = row.object["status"]
        let claim = spec["claimRef"]
        return (
            [
                .string(spec["capacity"]["storage"].string ?? ""),
                accessModes(spec["accessModes"]),
                .string(spec["persistentVolumeReclaimPolicy"].string ?? ""),
                TableCells.phase(of: row.object),
                .string(
                    claim?.object == nil ? "" : "\(claim["namespace"].string ?? "")/\(claim["name"].string ?? "")"),
                .string(spec["storageClassName"].string ?? ""),
                TableCells.text(spec["volumeAttributesClassName"], or: "<unset>"),
                .string(status["reason"].string ?? ""),
            ], [TableCells.text(spec["volumeMode"], or: "<unset>")]
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
        let isBound = !(spec["volumeName"].string ?? "").isEmpty
        return (
            [
                TableCells.phase(of: row.object),
                .string(spec["volumeName"].string ?? ""),
                .string(isBound ? status["capacity"]["storage"].string ?? "" : ""),
                isBound ? accessModes(status["accessModes"]) : "",
                .string(spec["storageClassName"].string ?? ""),
                TableCells.text(spec["volumeAttributesClassName"], or: "<unset>"),
            ], [TableCells.text(spec["volumeMode"], or: "<unset>")]
        )
    }

    private static func accessModes(_ modes: JSONValue?) -> JSONValue {
        let short = [
            "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP",
        ]
        return .string((modes.array ?? []).compactMap { short[$0.string ?? ""] }.joined(separator: ","))
    }

    static let storageClasses = TableColumns([
        .name, TableColumn("Provisioner", description: "Who makes the volumes."),
        TableColumn("ReclaimPolicy", description: "What becomes of volumes whose claim is gone."),
        TableColumn("VolumeBindingMode", description: "When volumes are made."),
        TableColumn("AllowVolumeExpansion", type: "boolean", description: "Whether volumes can grow."), .age,
    ]) { object, now in
        let row = TableCells(object: object, now: now)
        let annotations = object["metadata"]["annotations"]
        let isDefault = [
            "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
        ]
        .contains { annotations[$0] == "true" }
        let name = object["metadata"]["name"].string ?? ""
        return [
            .string(isDefault ? "\(name) (default)" : name), .string(object["provisioner"].string ?? ""),
            .string(object["reclaimPolicy"].string ?? "Delete"),
            TableCells.text(object["volumeBindingMode"], or: "<unset>"),
            .bool(object["allowVolumeExpansion"] == true), row.age,
        ]
    }

    static let csiDrivers = table([
        TableColumn(
            "AttachRequired", type: "boolean", description: "Whether volumes are attached before they are mounted."),
        TableColumn("PodInfoOnMount", type: "boolean", description: "Whether the driver is told about the Pod."),
        TableColumn("StorageCapacity", type: "boolean", description: "Whether the scheduler looks at the capacity."),
        TableColumn("TokenRequests", description: "Audiences of the tokens that the driver is given."),
        TableColumn("RequiresRepublish", type: "boolean", description: "Whether the driver is called again and again."),
        TableColumn("Modes", description: "Persistent, Ephemeral or both."),
    ]) { row in
        let spec = row.object["spec"]
        let audiences = (spec["tokenRequests"].array ?? []).map { $0["audience"]?.string ?? "" }
        return [
            .bool(spec["attachRequired"] != false), .bool(spec["podInfoOnMount"] == true),
            .bool(spec["storageCapacity"] == true),
            .string(audiences.isEmpty ? "<unset>" : audiences.joined(separator: ",")),
            .bool(spec["requiresRepublish"] == true),
            .string((spec["volumeLifecycleModes"].array ?? []).compactMap(\.string).joined(separator: ",")),
        ]
    }

    static let csiNodes = table([
        TableColumn("Drivers", type: "integer", description: "Number of drivers.")
    ]) { [.integer(Int64(($0.object["spec"]["drivers"].array ?? []).count))] }

    static let storageCapacities = table([
        TableColumn("StorageClassName", description: "Class of the storage."),
        TableColumn("Capacity", description: "How much can still be made."),
    ]) { row in
        [.string(row.object["storageClassName"].string ?? ""), TableCells.text(row.object["capacity"], or: "<unset>")]
    }

    static let volumeAttachments = table([
        TableColumn("Attacher", description: "Driver that attaches the volume."),
        TableColumn("PV", description: "The volume."),
        TableColumn("Node", description: "The node."),
        TableColumn("Attached", type: "boolean", description: "Whether it is attached."),
    ]) { row in
        let spec = row.object["spec"]
        return [
            .string(spec["attacher"].string ?? ""), .string(spec["source"]["persistentVolumeName"].string ?? ""),
            .string(spec["nodeName"].string ?? ""), .bool(row.object["status"]["attached"] == true),
        ]
    }

    static let volumeAttributesClasses = table([
        TableColumn("DriverName", description: "Name of the driver.")
    ]) { [.string($0.object["driverName"].string ?? "")] }
}
