import KubeModel

/// Quotas, priorities, flows, certificates and devices.
extension BuiltInTables {
    static let limitRanges = roles

    static let resourceQuotas = table([
        TableColumn("Request", description: "What is used of what may be requested."),
        TableColumn("Limit", description: "What is used of what may be limited."),
    ]) { row in
        let status = row.object["status"]
        let hard = status["hard"].object ?? row.object["spec"]["hard"].object ?? JSONObject()
        func amounts(_ isLimit: Bool) -> JSONValue {
            .string(
                hard.map { ($0.0, $0.1.string ?? "") }.filter { $0.0.hasPrefix("limits.") == isLimit }
                    .sorted { $0.0 < $1.0 }
                    .map { "\($0.0): \(status["used"][$0.0].string ?? "0")/\($0.1)" }.joined(separator: ", "))
        }
        return [amounts(false), amounts(true)]
    }

    static let priorityClasses = table(
        [
            TableColumn("Value", type: "integer", description: "The priority."),
            TableColumn(
                "Global-Default", type: "boolean", description: "Whether Pods that name no class are of this one."),
        ], trailing: [TableColumn("PreemptionPolicy", description: "Whether its Pods push others out.")]
    ) { row in
        (
            [row.object["value"] ?? 0, .bool(row.object["globalDefault"] == true)],
            [.string(row.object["preemptionPolicy"].string ?? "")]
        )
    }

    static let runtimeClasses = table([
        TableColumn("Handler", description: "Name of the runtime's configuration.")
    ]) { [.string($0.object["handler"].string ?? "")] }

    static let flowSchemas = table(
        [
            TableColumn("PriorityLevel", description: "The level."),
            TableColumn(
                "MatchingPrecedence", type: "integer", description: "The lowest of several that match is taken."),
            TableColumn("DistinguisherMethod", description: "What tells one flow from another."),
        ], trailing: [TableColumn("MissingPL", description: "Whether the level does not exist.")]
    ) { row in
        let spec = row.object["spec"]
        let dangling = (row.object["status"]["conditions"].array ?? []).first { $0["type"] == "Dangling" }
        return (
            [
                .string(spec["priorityLevelConfiguration"]["name"].string ?? ""), spec["matchingPrecedence"] ?? 0,
                TableCells.text(spec["distinguisherMethod"]["type"], or: "<none>"),
            ], [.string(dangling?["status"]?.string ?? "?")]
        )
    }

    static let priorityLevels = table([
        TableColumn("Type", description: "Exempt or Limited."),
        TableColumn("NominalConcurrencyShares", type: "integer", description: "Its share of the places."),
        TableColumn("Queues", type: "integer", description: "Number of queues."),
        TableColumn("HandSize", type: "integer", description: "Queues of which a flow takes the shortest."),
        TableColumn("QueueLengthLimit", type: "integer", description: "Most requests that wait in one queue."),
    ]) { row in
        let spec = row.object["spec"]
        let queuing = spec["limited"]["limitResponse"]["queuing"]
        return [
            .string(spec["type"].string ?? ""),
            spec["limited"]["nominalConcurrencyShares"] ?? spec["exempt"]["nominalConcurrencyShares"] ?? "<none>",
            queuing["queues"] ?? "<none>", queuing["handSize"] ?? "<none>", queuing["queueLengthLimit"] ?? "<none>",
        ]
    }

    static let signingRequests = TableColumns([
        .name, .age, TableColumn("SignerName", description: "Name of the signer."),
        TableColumn("Requestor", description: "Who made the request."),
        TableColumn("RequestedDuration", description: "How long the certificate shall hold."),
        TableColumn("Condition", description: "What became of the request."),
    ]) { object, now in
        let row = TableCells(object: object, now: now)
        let spec = object["spec"]
        let types = (object["status"]["conditions"].array ?? []).compactMap { $0["type"]?.string }
        var states = types.filter { $0 == "Denied" }
        if states.isEmpty { states = types.contains("Approved") ? ["Approved"] : ["Pending"] }
        if types.contains("Failed") { states.append("Failed") }
        if !(object["status"]["certificate"].string ?? "").isEmpty { states.append("Issued") }
        let duration = spec["expirationSeconds"].int.map { HumanDuration(seconds: Int64($0)).description }
        return [
            row.name, row.age, .string(spec["signerName"].string ?? ""), .string(spec["username"].string ?? ""),
            .string(duration ?? "<none>"), .string(states.joined(separator: ",")),
        ]
    }

    static let resourceClaims = table([
        TableColumn("State", description: "Whether devices were given, and whether they are used.")
    ]) { row in
        let status = row.object["status"]
        var states: [String] = []
        if row.object["metadata"]["deletionTimestamp"].string != nil { states.append("deleted") }
        if status["allocation"]?.object == nil {
            if states.isEmpty { states.append("pending") }
        } else {
            states.append("allocated")
            if !(status["reservedFor"].array ?? []).isEmpty { states.append("reserved") }
        }
        return [.string(states.joined(separator: ","))]
    }

    static let resourceSlices = table([
        TableColumn("Node", description: "Node that the devices belong to."),
        TableColumn("Driver", description: "Their driver."),
        TableColumn("Pool", description: "Their pool."),
    ]) { row in
        let spec = row.object["spec"]
        return [
            TableCells.text(spec["nodeName"], or: "<unset>"), .string(spec["driver"].string ?? ""),
            .string(spec["pool"]["name"].string ?? ""),
        ]
    }
}
