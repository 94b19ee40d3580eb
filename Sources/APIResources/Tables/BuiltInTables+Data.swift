import KubeModel

extension BuiltInTables {
    static let configMaps = table([
        TableColumn("Data", description: "Number of keys, text and binary.")
    ]) { row in
        [.integer(Int64(TableCells.count(row.object["data"]) + TableCells.count(row.object["binaryData"])))]
    }

    static let secrets = table([
        TableColumn("Type", description: "What the data is for."),
        TableColumn("Data", description: "Number of keys."),
    ]) { row in
        [.string(row.object["type"].string ?? ""), .integer(Int64(TableCells.count(row.object["data"])))]
    }

    static let serviceAccounts = table([
        TableColumn("Secrets", description: "Number of Secrets the account names.")
    ]) { row in
        [.integer(Int64(TableCells.count(row.object["secrets"])))]
    }

    static let namespaces = table([
        TableColumn("Status", description: "Active, or Terminating once deletion was requested.")
    ]) { row in
        [.string(row.object["status"]["phase"].string ?? "")]
    }

    static let leases = table([
        TableColumn("Holder", description: "Who holds the lease.")
    ]) { row in
        [.string(row.object["spec"]["holderIdentity"].string ?? "")]
    }
}
