import KubeModel

extension BuiltInTables {
    static let pods = table(
        [
            TableColumn("Ready", description: "Containers that are ready, of all."),
            TableColumn("Status", description: "State of the containers as a whole."),
            TableColumn("Restarts", description: "Restarts of the containers, and how long ago the latest was."),
        ],
        trailing: [
            TableColumn("IP", description: "Address of the Pod.", priority: 1),
            TableColumn("Node", description: "Node on which the Pod runs.", priority: 1),
            TableColumn("Nominated Node", description: "Node on which room is being made.", priority: 1),
            TableColumn("Readiness Gates", description: "Readiness gates that hold, of all.", priority: 1),
        ]
    ) { row in
        let spec = row.object["spec"]
        let status = row.object["status"]
        let summary = PodSummary(row.object)
        let conditions = status["conditions"].array ?? []
        let gates = (spec["readinessGates"].array ?? []).map { $0["conditionType"].string ?? "" }
        let passed = gates.count { PodSummary.isTrue($0, conditions) }
        return (
            [
                .string("\(summary.readyContainers)/\(summary.totalContainers)"),
                .string(summary.status),
                .string(summary.restartText(now: row.now)),
            ],
            [
                TableCells.text(status["podIPs"].array?.first?["ip"] ?? status["podIP"]),
                TableCells.text(spec["nodeName"]),
                TableCells.text(status["nominatedNodeName"]),
                gates.isEmpty ? TableCells.none : .string("\(passed)/\(gates.count)"),
            ]
        )
    }
}
