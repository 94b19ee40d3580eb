import KubeModel

extension BuiltInTables {
    static let services = table(
        [
            TableColumn("Type", description: "How the Service is exposed."),
            TableColumn("Cluster-IP", description: "Virtual address of the Service."),
            TableColumn("External-IP", description: "Addresses under which the Service is reached from outside."),
            TableColumn("Port(s)", description: "Ports of the Service, with their node ports."),
        ],
        trailing: [TableColumn("Selector", description: "Labels of the Pods behind the Service.", priority: 1)]
    ) { row in
        let spec = row.object["spec"]
        return (
            [
                .string(spec["type"].string ?? ""),
                TableCells.text(spec["clusterIPs"].array?.first ?? spec["clusterIP"]),
                .string(externalAddress(of: row.object)),
                .string(ports(spec["ports"].array ?? [])),
            ],
            [TableCells.labels(spec["selector"])]
        )
    }

    private static func externalAddress(of service: JSONValue) -> String {
        let spec = service["spec"]
        let external = (spec["externalIPs"].array ?? []).compactMap(\.string)
        switch spec["type"].string {
        case "ClusterIP", "NodePort":
            return external.isEmpty ? "<none>" : external.joined(separator: ",")
        case "LoadBalancer":
            let balancer = loadBalancerAddresses(of: service)
            let all = (balancer.isEmpty ? [] : [balancer]) + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName":
            return spec["externalName"].string ?? ""
        default:
            return TableCells.unknown
        }
    }

    /// The entry points in `status.loadBalancer` of a Service or an Ingress.
    static func loadBalancerAddresses(of object: JSONValue) -> String {
        let entries = object["status"]["loadBalancer"]["ingress"].array ?? []
        return TableCells.joinedSet(
            entries.compactMap { entry in
                [entry["ip"].string, entry["hostname"].string].compactMap { $0 }.first { !$0.isEmpty }
            })
    }

    private static func ports(_ ports: [JSONValue]) -> String {
        if ports.isEmpty { return "<none>" }
        return ports.map { port in
            let number = port["port"].int ?? 0
            let `protocol` = port["protocol"].string ?? ""
            let nodePort = port["nodePort"].int ?? 0
            return nodePort > 0 ? "\(number):\(nodePort)/\(`protocol`)" : "\(number)/\(`protocol`)"
        }.joined(separator: ",")
    }
}
