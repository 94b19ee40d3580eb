import KubeModel

extension BuiltInTables {
    static let ingresses = table([
        TableColumn("Class", description: "Ingress class, and so controller, that serves the Ingress."),
        TableColumn("Hosts", description: "Hosts of the rules; \"*\" when there is none."),
        TableColumn("Address", description: "Entry points of the load balancer."),
        TableColumn("Ports", description: "Ports that are open: 80, and 443 with TLS."),
    ]) { row in
        let spec = row.object["spec"]
        return [
            spec["ingressClassName"].string.map(JSONValue.string) ?? TableCells.none,
            .string(hosts(spec["rules"].array ?? [])),
            .string(loadBalancerAddresses(of: row.object)),
            .string(TableCells.count(spec["tls"]) == 0 ? "80" : "80, 443"),
        ]
    }

    /// Up to three hosts. As in Kubernetes, what is left out counts rules, with or without a host.
    static func hosts(_ rules: [JSONValue]) -> String {
        var hosts: [String] = []
        var isCut = false
        for rule in rules {
            if hosts.count == 3 { isCut = true }
            if !isCut, let host = rule["host"].string, !host.isEmpty { hosts.append(host) }
        }
        if hosts.isEmpty { return "*" }
        let text = hosts.joined(separator: ",")
        return isCut ? "\(text) + \(rules.count - 3) more..." : text
    }

    static let ingressClasses = table([
        TableColumn("Controller", description: "Controller that serves Ingresses of the class."),
        TableColumn("Parameters", description: "Object with further settings for the controller."),
    ]) { row in
        let spec = row.object["spec"]
        var parameters = TableCells.none
        if let reference = spec["parameters"], let kind = reference["kind"].string {
            let group = reference["apiGroup"].string.map { ".\($0)" } ?? ""
            parameters = .string("\(kind)\(group)/\(reference["name"].string ?? "")")
        }
        return [.string(spec["controller"].string ?? ""), parameters]
    }
}
