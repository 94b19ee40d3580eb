import KubeModel

extension BuiltInTables {
    private static let containers = TableColumn("Containers", description: "Names of the containers.", priority: 1)
    private static let images = TableColumn("Images", description: "Images of the containers.", priority: 1)
    private static let selector = TableColumn("Selector", description: "Pods that belong to it.", priority: 1)

    static let deployments = table(
        [
            TableColumn("Ready", description: "Ready Pods of those wanted."),
            TableColumn("Up-to-date", type: "integer", description: "Pods of the current template."),
            TableColumn("Available", type: "integer", description: "Pods that have been ready for long enough."),
        ], trailing: [containers, images, selector]
    ) { row in
        let status = row.object["status"]
        return (
            [
                .string("\(status["readyReplicas"].int ?? 0)/\(row.object["spec"]["replicas"].int ?? 0)"),
                number(status["updatedReplicas"]), number(status["availableReplicas"]),
            ], template(row.object["spec"]) + [.string(SelectorText.of(row.object["spec"]["selector"]))]
        )
    }

    static let replicaSets = table(
        [
            TableColumn("Desired", type: "integer", description: "Pods wanted."),
            TableColumn("Current", type: "integer", description: "Pods there are."),
            TableColumn("Ready", type: "integer", description: "Pods that are ready."),
        ], trailing: [containers, images, selector]
    ) { row in
        let status = row.object["status"]
        return (
            [number(row.object["spec"]["replicas"]), number(status["replicas"]), number(status["readyReplicas"])],
            template(row.object["spec"]) + [selectorCell(row.object["spec"]["selector"])]
        )
    }

    static let daemonSets = table(
        [
            TableColumn("Desired", type: "integer", description: "Nodes that should have a Pod."),
            TableColumn("Current", type: "integer", description: "Nodes that have one."),
            TableColumn("Ready", type: "integer", description: "Nodes whose Pod is ready."),
            TableColumn("Up-to-date", type: "integer", description: "Nodes with a Pod of the current template."),
            TableColumn("Available", type: "integer", description: "Nodes whose Pod is available."),
            TableColumn("Node Selector", description: "Labels the nodes must have."),
        ], trailing: [containers, images, selector]
    ) { row in
        let status = row.object["status"]
        let counts = [
            "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled",
            "numberAvailable",
        ]
        return (
            counts.map { number(status[$0]) }
                + [TableCells.labels(row.object["spec"]["template"]["spec"]["nodeSelector"])],
            template(row.object["spec"]) + [selectorCell(row.object["spec"]["selector"])]
        )
    }

    static let statefulSets = table(
        [TableColumn("Ready", description: "Ready Pods of those wanted.")], trailing: [containers, images]
    ) { row in
        let ready = row.object["status"]["readyReplicas"].int ?? 0
        return (
            [.string("\(ready)/\(row.object["spec"]["replicas"].int ?? 0)")], template(row.object["spec"])
        )
    }

    static let controllerRevisions = table([
        TableColumn("Controller", description: "Owner of the revision."),
        TableColumn("Revision", type: "integer", description: "Number of the revision."),
    ]) { row in
        let owner = (row.object["metadata"]["ownerReferences"].array ?? []).first { $0["controller"] == true }
        var cell = TableCells.none
        if let owner {
            let group = (owner["apiVersion"]?.string ?? "").split(separator: "/").dropLast().joined()
            let kind = owner["kind"]?.string ?? ""
            let name = owner["name"]?.string ?? ""
            cell = .string("\((group.isEmpty ? kind : "\(kind).\(group)").lowercased())/\(name)")
        }
        return [cell, number(row.object["revision"])]
    }

    static let podTemplates = TableColumns([
        .name, TableColumn("Containers", description: "Names of the containers."),
        TableColumn("Images", description: "Images of the containers."),
        TableColumn("Pod Labels", description: "Labels of the Pods."),
    ]) { object, now in
        [TableCells(object: object, now: now).name] + template(object)
            + [TableCells.labels(object["template"]["metadata"]["labels"])]
    }

    static let jobs = table(
        [
            TableColumn("Status", description: "State of the Job."),
            TableColumn("Completions", description: "Pods that succeeded of those wanted."),
            TableColumn("Duration", description: "Time from the start to the end, or to now."),
        ], trailing: [containers, images, selector]
    ) { row in
        (
            [.string(jobStatus(row.object)), .string(completions(row.object)), .string(duration(row))],
            template(row.object["spec"]) + [.string(SelectorText.of(row.object["spec"]["selector"]))]
        )
    }

    static let cronJobs = table(
        [
            TableColumn("Schedule", description: "When Jobs are made."),
            TableColumn("Timezone", description: "Time zone of the schedule."),
            TableColumn("Suspend", type: "boolean", description: "Whether no more Jobs are made."),
            TableColumn("Active", type: "integer", description: "Jobs that run."),
            TableColumn("Last Schedule", description: "How long ago a Job was last made."),
        ], trailing: [containers, images, selector]
    ) { row in
        let spec = row.object["spec"]
        let last = row.object["status"]["lastScheduleTime"]
        return (
            [
                TableCells.text(spec["schedule"], or: ""), TableCells.text(spec["timeZone"]),
                .string(spec["suspend"].bool.map { $0 ? "True" : "False" } ?? "<unset>"),
                .integer(Int64(TableCells.count(row.object["status"]["active"]))),
                last.string == nil ? TableCells.none : .string(row.since(last)),
            ],
            template(spec["jobTemplate"]["spec"]) + [selectorCell(spec["jobTemplate"]["spec"]["selector"])]
        )
    }

    static let disruptionBudgets = table([
        TableColumn("Min Available", description: "Pods that must be left."),
        TableColumn("Max Unavailable", description: "Pods that may be missing."),
        TableColumn("Allowed Disruptions", type: "integer", description: "Evictions that are allowed now."),
    ]) { row in
        let limits = ["minAvailable", "maxUnavailable"].map { key -> JSONValue in
            switch row.object["spec"][key] {
            case .string(let text)?: .string(text)
            case let value?: .string(value.description)
            case nil: "N/A"
            }
        }
        return limits + [number(row.object["status"]["disruptionsAllowed"])]
    }

    static let networkPolicies = table([
        TableColumn("Pod-Selector", description: "Pods the policy is for.")
    ]) { row in [selectorCell(row.object["spec"]["podSelector"])] }

    private static func number(_ value: JSONValue?) -> JSONValue { .integer(Int64(value.int ?? 0)) }

    private static func selectorCell(_ value: JSONValue?) -> JSONValue {
        TableCells.text(.string(SelectorText.of(value)))
    }

    /// Names and images of a template's containers.
    private static func template(_ spec: JSONValue?) -> [JSONValue] {
        let containers = spec["template"]["spec"]["containers"].array ?? []
        return ["name", "image"].map { key in
            .string(containers.map { $0[key]?.string ?? "" }.joined(separator: ","))
        }
    }

    private static func jobStatus(_ object: JSONValue) -> String {
        let conditions = object["status"]["conditions"].array ?? []
        for (type, word) in [("Complete", "Complete"), ("Failed", "Failed")]
        where PodSummary.isTrue(type, conditions) {
            return word
        }
        if object["metadata"]["deletionTimestamp"].string != nil { return "Terminating" }
        for type in ["Suspended", "FailureTarget", "SuccessCriteriaMet"] where PodSummary.isTrue(type, conditions) {
            return type
        }
        return "Running"
    }

    private static func completions(_ object: JSONValue) -> String {
        let succeeded = object["status"]["succeeded"].int ?? 0
        if let wanted = object["spec"]["completions"].int { return "\(succeeded)/\(wanted)" }
        let parallelism = object["spec"]["parallelism"].int ?? 0
        return parallelism > 1 ? "\(succeeded)/1 of \(parallelism)" : "\(succeeded)/1"
    }

    private static func duration(_ row: TableCells) -> String {
        guard let start = row.object["status"]["startTime"].string.flatMap({ Timestamp($0) }) else { return "" }
        let end = row.object["status"]["completionTime"].string.flatMap { Timestamp($0) } ?? row.now
        return HumanDuration(seconds: end.secondsSinceEpoch - start.secondsSinceEpoch).description
    }
}
