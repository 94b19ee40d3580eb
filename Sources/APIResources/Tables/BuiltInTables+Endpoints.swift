import KubeModel

extension BuiltInTables {
    static let endpoints = table([
        TableColumn("Endpoints", description: "Ready addresses with their ports.")
    ]) { row in
        let subsets = row.object["subsets"].array ?? []
        var items: [String] = []
        for subset in subsets {
            let addresses = (subset["addresses"].array ?? []).map { $0["ip"].string ?? "" }
            let ports = (subset["ports"].array ?? []).map { $0["port"].int ?? 0 }
            // A headless Service may have no ports at all.
            if ports.isEmpty { items += addresses }
            for port in ports {
                items += addresses.map { $0.contains(":") ? "[\($0)]:\(port)" : "\($0):\(port)" }
            }
        }
        return [subsets.isEmpty ? TableCells.none : .string(TableCells.firstThree(items, total: items.count))]
    }

    static let endpointSlices = table([
        TableColumn("AddressType", description: "Kind of addresses in the slice."),
        TableColumn("Ports", description: "Ports every endpoint offers."),
        TableColumn("Endpoints", description: "Addresses of the endpoints."),
    ]) { row in
        let ports = (row.object["ports"].array ?? []).map { port in
            port["port"].int.map { "\($0)" } ?? port["name"].string ?? "*"
        }
        let addresses = (row.object["endpoints"].array ?? []).flatMap { endpoint in
            (endpoint["addresses"].array ?? []).compactMap(\.string)
        }
        func text(_ items: [String]) -> JSONValue {
            let text = TableCells.firstThree(items, total: items.count)
            return .string(text.isEmpty ? "<unset>" : text)
        }
        return [.string(row.object["addressType"].string ?? ""), text(ports), text(addresses)]
    }
}
