import KubeModel

/// MetalLB's own columns, and where its status kinds leave out what one looks for, that too.
extension BuiltInTables {
    static let metalLB: [String: TableColumns] = [
        "IPAddressPool": printed([
            ("Auto Assign", "boolean", ".spec.autoAssign"), ("Avoid Buggy IPs", "boolean", ".spec.avoidBuggyIPs"),
            ("Addresses", "string", ".spec.addresses"),
        ]),
        "L2Advertisement": printed(
            [
                ("IPAddressPools", "string", ".spec.ipAddressPools"),
                ("IPAddressPool Selectors", "string", ".spec.ipAddressPoolSelectors"),
                ("Interfaces", "string", ".spec.interfaces"),
            ], wide: [("Node Selectors", "string", ".spec.nodeSelectors")]),
        "BGPAdvertisement": printed(
            [
                ("IPAddressPools", "string", ".spec.ipAddressPools"),
                ("IPAddressPool Selectors", "string", ".spec.ipAddressPoolSelectors"),
                ("Peers", "string", ".spec.peers"),
            ], wide: [("Node Selectors", "string", ".spec.nodeSelectors")]),
        "BFDProfile": printed([
            ("Passive Mode", "boolean", ".spec.passiveMode"),
            ("Transmit Interval", "integer", ".spec.transmitInterval"),
            ("Receive Interval", "integer", ".spec.receiveInterval"),
            ("Multiplier", "integer", ".spec.detectMultiplier"),
        ]),
        "BGPPeer": printed([
            ("Address", "string", ".spec.peerAddress"), ("ASN", "string", ".spec.peerASN"),
            ("BFD Profile", "string", ".spec.bfdProfile"), ("Multi Hops", "string", ".spec.ebgpMultiHop"),
        ]),
        "ServiceL2Status": status(
            "Allocated Node", TableColumn("Interfaces", description: "Network interfaces that announce.")
        ) { ($0["interfaces"].array ?? []).compactMap { $0["name"]?.string } },
        "ServiceBGPStatus": status("Node", TableColumn("Peers", description: "BGPPeers that are told.")) {
            ($0["peers"].array ?? []).compactMap(\.string)
        },
    ]

    private typealias Printed = (name: String, type: String, path: String)

    private static func printed(_ columns: [Printed], wide: [Printed] = []) -> TableColumns {
        PrinterColumn.table(columns.map { column($0) } + wide.map { column($0, priority: 10) })
    }

    private static func column(_ printed: Printed, priority: Int64 = 0) -> PrinterColumn {
        PrinterColumn([
            "name": .string(printed.name), "type": .string(printed.type), "jsonPath": .string(printed.path),
            "description": .string("What the object has at \(printed.path)."),
            "priority": .integer(priority),
        ])
    }

    /// MetalLB's columns, and one more: the names of interfaces or of peers.
    private static func status(
        _ node: String, _ last: TableColumn, _ names: @escaping @Sendable (JSONValue?) -> [String]
    )
        -> TableColumns
    {
        let own = [
            column((node, "string", ".status.node")), column(("Service Name", "string", ".status.serviceName")),
            column(("Service Namespace", "string", ".status.serviceNamespace")),
        ]
        return TableColumns([.name] + own.map(\.column) + [last]) { object, now in
            let shown = names(object["status"])
            return [TableCells(object: object, now: now).name] + own.map { $0.cell(of: object, now: now) }
                + [.string(TableCells.firstThree(shown, total: shown.count))]
        }
    }
}
