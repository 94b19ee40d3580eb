import KubeModel

extension BuiltInTables {
    static let nodes = table(
        [
            TableColumn("Status", description: "Whether the node is ready and takes Pods."),
            TableColumn("Roles", description: "Roles the node's labels give it."),
        ],
        trailing: [
            TableColumn("Version", description: "Version of the kubelet."),
            TableColumn("Internal-IP", description: "First internal address.", priority: 1),
            TableColumn("External-IP", description: "First external address.", priority: 1),
            TableColumn("OS-Image", description: "Operating system distribution.", priority: 1),
            TableColumn("Kernel-Version", description: "Kernel release.", priority: 1),
            TableColumn("Container-Runtime", description: "Container runtime and its version.", priority: 1),
        ]
    ) { row in
        let status = row.object["status"]
        let info = status["nodeInfo"]
        func address(_ type: String) -> JSONValue {
            TableCells.text(status["addresses"].array?.first { $0["type"].string == type }?["address"])
        }
        return (
            [.string(nodeStatus(row.object)), .string(roles(row.object["metadata"]["labels"]))],
            [
                .string(info["kubeletVersion"].string ?? ""), address("InternalIP"), address("ExternalIP"),
                TableCells.text(info["osImage"], or: TableCells.unknown),
                TableCells.text(info["kernelVersion"], or: TableCells.unknown),
                TableCells.text(info["containerRuntimeVersion"], or: TableCells.unknown),
            ]
        )
    }

    private static func nodeStatus(_ node: JSONValue) -> String {
        let ready = node["status"]["conditions"].array?.last { $0["type"].string == "Ready" }
        let words = ready.map { $0["status"].string == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        return node["spec"]["unschedulable"].bool == true ? words + ",SchedulingDisabled" : words
    }

    private static func roles(_ labels: JSONValue?) -> String {
        let prefix = "node-role.kubernetes.io/"
        var roles: [String] = []
        for label in labels.object.map(Array.init) ?? [] {
            if label.key.hasPrefix(prefix), label.key.utf8.count > prefix.utf8.count {
                roles.append(String(label.key.dropFirst(prefix.count)))
            } else if label.key == "kubernetes.io/role", let role = label.value.string, !role.isEmpty {
                roles.append(role)
            }
        }
        return roles.isEmpty ? "<none>" : TableCells.joinedSet(roles)
    }
}
