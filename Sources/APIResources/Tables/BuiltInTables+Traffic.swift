import KubeModel

extension BuiltInTables {
    static let routeTables = table(
        [
            TableColumn("Class", description: "Ingress class the table was compiled for."),
            TableColumn("Hosts", description: "Hosts of the rules; \"*\" when there is none."),
            TableColumn("Routes", type: "integer", description: "Number of paths and default backends."),
            TableColumn(
                "Accepted",
                description: "Whether it can be served as written: no conflicts, no unknown guards."
            ),
            TableColumn("Resolved", description: "Whether the Services and Secrets that it names are there and fit."),
            TableColumn("Programmed", description: "Whether the data plane enforces the table."),
        ],
        trailing: [
            TableColumn("Controller", description: "Controller that compiled the table.", priority: 1),
            TableColumn("TLS", description: "Secrets with the certificates of the hosts.", priority: 1),
        ]
    ) { row in
        let spec = row.object["spec"]
        let rules = spec["rules"].array ?? []
        let paths = rules.reduce(0) { $0 + TableCells.count($1["paths"]) }
        let secrets = (spec["tls"].array ?? []).compactMap { $0["secretName"].string }
        return (
            [
                TableCells.text(spec["ingressClassName"]),
                .string(hosts(rules)),
                .integer(Int64(paths + (spec["defaultBackend"] == nil ? 0 : 1))),
                condition("Accepted", of: row.object),
                condition("ResolvedRefs", of: row.object),
                condition("Programmed", of: row.object),
            ],
            [
                .string(spec["controllerName"].string ?? ""),
                secrets.isEmpty ? TableCells.none : .string(TableCells.joinedSet(secrets)),
            ]
        )
    }

    static let addressPools = table(
        [
            TableColumn("Allocated", type: "integer", description: "Addresses in use."),
            TableColumn("Total", type: "integer", description: "Addresses in the pool."),
            TableColumn("Auto-Assign", type: "boolean", description: "Whether any Service may get an address."),
        ],
        trailing: [
            TableColumn("Addresses", description: "Ranges of the pool.", priority: 1),
            TableColumn("Namespaces", description: "Namespaces whose Services may use the pool.", priority: 1),
        ]
    ) { row in
        let spec = row.object["spec"]
        let addresses = (spec["addresses"].array ?? []).compactMap(\.string)
        let namespaces = (spec["serviceNamespaces"].array ?? []).compactMap(\.string)
        return (
            [
                .integer(Int64(row.object["status"]["allocated"].int ?? 0)),
                .integer(Int64(row.object["status"]["total"].int ?? 0)),
                .bool(spec["autoAssign"].bool ?? true),
            ],
            [
                .string(TableCells.firstThree(addresses, total: addresses.count)),
                .string(namespaces.isEmpty ? "<all>" : namespaces.joined(separator: ",")),
            ]
        )
    }

    static let healthChecks = table(
        [
            TableColumn("Services", description: "Services whose endpoints are checked."),
            TableColumn("Check", description: "How they are checked."),
            TableColumn("Endpoints", type: "integer", description: "Endpoints that are checked."),
            TableColumn("Failing", type: "integer", description: "Endpoints that fail."),
            TableColumn("Accepted", description: "Whether every Service is there and has no older check."),
            TableColumn("Healthy", description: "Whether every endpoint passes."),
        ],
        trailing: [TableColumn("Period", description: "Time between the checks of an endpoint.", priority: 1)]
    ) { row in
        let spec = row.object["spec"] ?? .null
        let names = (spec["targetRefs"].array ?? []).compactMap { $0["name"].string }
        return (
            [
                .string(TableCells.firstThree(names, total: names.count)),
                .string(check(spec)),
                .integer(Int64(row.object["status"]["endpoints"].int ?? 0)),
                .integer(Int64(row.object["status"]["failing"].int ?? 0)),
                condition("Accepted", of: row.object),
                condition("Healthy", of: row.object),
            ],
            [.string("\(spec["periodSeconds"].int ?? 10)s")]
        )
    }

    /// As `HTTP:8080/healthz`, `TCP:5432` or `GRPC:grpc`.
    private static func check(_ spec: JSONValue) -> String {
        func port(_ handler: JSONValue?) -> String { handler["port"].string ?? "\(handler["port"].int ?? 0)" }
        if let http = spec.at("httpGet") {
            return "\(http["scheme"].string ?? "HTTP"):\(port(http))\(http["path"].string ?? "/")"
        }
        if let tcp = spec.at("tcpSocket") { return "TCP:\(port(tcp))" }
        return "GRPC:\(port(spec["grpc"]))"
    }

    /// The status of a condition, "Unknown" until somebody has set it.
    private static func condition(_ type: String, of object: JSONValue) -> JSONValue {
        let conditions = object["status"]["conditions"].array ?? []
        return TableCells.text(conditions.first { $0["type"].string == type }?["status"], or: "Unknown")
    }
}
