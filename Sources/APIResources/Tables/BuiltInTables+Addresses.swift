import KubeModel

extension BuiltInTables {
    static let serviceCIDRs = table([
        TableColumn("CIDRs", description: "Ranges that cluster IPs come from, one of each family at most.")
    ]) { row in
        let cidrs = (row.object["spec"]["cidrs"].array ?? []).compactMap(\.string)
        return [.string(cidrs.joined(separator: ","))]
    }

    /// Without an age, as in Kubernetes.
    static let ipAddresses = TableColumns([
        .name, TableColumn("ParentRef", description: "Object that has the address."),
    ]) { object, now in
        let row = TableCells(object: object, now: now)
        guard let parent = object.at("spec", "parentRef") else { return [row.name, TableCells.none] }
        let group = parent.text("group")
        var text = (group.isEmpty ? parent.text("resource") : "\(parent.text("resource")).\(group)").lowercased()
        for part in [parent.text("namespace"), parent.text("name")] where !part.isEmpty { text += "/\(part)" }
        return [row.name, .string(text)]
    }
}
