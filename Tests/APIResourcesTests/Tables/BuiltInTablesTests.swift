import KubeModel
import Testing

@testable import APIResources

@Suite("Tables of the built-in kinds") struct BuiltInTablesTests {
    static let now = "2026-01-02T00:00:00Z"
    static let created: JSONValue = "2026-01-01T23:55:00Z"

    /// The cells of an object by column name, as text.
    private static func cells(_ table: TableColumns, _ object: JSONValue) throws -> [String: String] {
        var object = object
        if object["metadata"] == nil { object["metadata"] = ["name": "n", "creationTimestamp": created] }
        let cells = table.cells(object, try #require(Timestamp(now)))
        #expect(cells.count == table.columns.count)
        var result: [String: String] = [:]
        for (column, cell) in zip(table.columns, cells) {
            result[column.name] = cell.string ?? cell.int.map { "\($0)" } ?? cell.bool.map { "\($0)" }
        }
        return result
    }

    private static func shown(_ table: TableColumns) -> [String] {
        table.columns.filter { $0.priority == 0 }.map { $0.name.uppercased() }
    }

    static let headers: [(group: String, kind: String, shown: String, wide: String)] = [
        ("", "ConfigMap", "NAME DATA AGE", ""),
        ("", "Endpoints", "NAME ENDPOINTS AGE", ""),
        ("", "Event", "LAST SEEN|TYPE|REASON|OBJECT|MESSAGE", "SUBOBJECT|SOURCE|FIRST SEEN|COUNT|NAME"),
        ("events.k8s.io", "Event", "LAST SEEN|TYPE|REASON|OBJECT|MESSAGE", "SUBOBJECT|SOURCE|FIRST SEEN|COUNT|NAME"),
        ("", "Namespace", "NAME STATUS AGE", ""),
        (
            "", "Node", "NAME STATUS ROLES AGE VERSION",
            "INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME"
        ),
        ("", "Pod", "NAME READY STATUS RESTARTS AGE", "IP|NODE|NOMINATED NODE|READINESS GATES"),
        ("", "Secret", "NAME TYPE DATA AGE", ""),
        ("", "Service", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE", "SELECTOR"),
        ("", "ServiceAccount", "NAME SECRETS AGE", ""),
        ("coordination.k8s.io", "Lease", "NAME HOLDER AGE", ""),
        ("discovery.k8s.io", "EndpointSlice", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE", ""),
        ("networking.k8s.io", "Ingress", "NAME CLASS HOSTS ADDRESS PORTS AGE", ""),
        ("networking.k8s.io", "IngressClass", "NAME CONTROLLER PARAMETERS AGE", ""),
        ("metallb.io", "IPAddressPool", "NAME|AUTO ASSIGN|AVOID BUGGY IPS|ADDRESSES", ""),
        ("metallb.io", "L2Advertisement", "NAME|IPADDRESSPOOLS|IPADDRESSPOOL SELECTORS|INTERFACES", "NODE SELECTORS|"),
        ("metallb.io", "BGPAdvertisement", "NAME|IPADDRESSPOOLS|IPADDRESSPOOL SELECTORS|PEERS", "NODE SELECTORS|"),
        ("metallb.io", "BFDProfile", "NAME|PASSIVE MODE|TRANSMIT INTERVAL|RECEIVE INTERVAL|MULTIPLIER", ""),
        ("metallb.io", "BGPPeer", "NAME|ADDRESS|ASN|BFD PROFILE|MULTI HOPS", ""),
        (
            "metallb.io", "ServiceL2Status", "NAME|ALLOCATED NODE|SERVICE NAME|SERVICE NAMESPACE|INTERFACES", ""
        ),
        ("metallb.io", "ServiceBGPStatus", "NAME|NODE|SERVICE NAME|SERVICE NAMESPACE|PEERS", ""),
        ("traffic.martlet.dev", "AddressPool", "NAME ALLOCATED TOTAL AUTO-ASSIGN AGE", "ADDRESSES NAMESPACES"),
        (
            "traffic.martlet.dev", "HealthCheck", "NAME SERVICES CHECK ENDPOINTS FAILING ACCEPTED HEALTHY AGE",
            "PERIOD"
        ),
        (
            "traffic.martlet.dev", "RouteTable", "NAME CLASS HOSTS ROUTES ACCEPTED RESOLVED PROGRAMMED AGE",
            "CONTROLLER TLS"
        ),
    ]

    @Test(arguments: headers)
    func columnsAreThoseOfKubernetes(_ group: String, _ kind: String, _ shown: String, _ wide: String) throws {
        let definition = ResourceDefinition(
            group: group, version: "v1", kind: kind, plural: "x", singular: "x", namespaced: true)
        let table = try #require(BuiltInTables.columns(for: definition))
        func split(_ text: String) -> [String] {
            text.split(separator: text.contains("|") ? "|" : " ").map(String.init)
        }
        #expect(Self.shown(table) == split(shown))
        #expect(table.columns.filter { $0.priority > 0 }.map { $0.name.uppercased() } == split(wide))
        #expect(table.columns.allSatisfy { !$0.description.isEmpty })
        #expect(table.columns.filter { $0.format == "name" }.map(\.name) == ["Name"])
        // An object without a single field must not be a problem.
        #expect(table.cells([:], try #require(Timestamp(Self.now))).count == table.columns.count)
    }

    @Test(
        arguments: [
            (
                ["type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": [["port": 80, "protocol": "TCP"]]], "10.0.0.1",
                "<none>", "80/TCP"
            ),
            (["type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"]], "None", "<none>", "<none>"),
            (
                [
                    "type": "NodePort", "clusterIPs": ["10.0.0.1", "fd00::1"],
                    "externalIPs": ["192.0.2.1", "192.0.2.2"],
                    "ports": [
                        ["port": 80, "nodePort": 30080, "protocol": "TCP"], ["port": 53, "protocol": "UDP"],
                    ],
                ], "10.0.0.1", "192.0.2.1,192.0.2.2", "80:30080/TCP,53/UDP"
            ),
            (["type": "LoadBalancer", "clusterIP": "10.0.0.1"], "10.0.0.1", "<pending>", "<none>"),
            (["type": "ExternalName", "externalName": "db.example.com"], "<none>", "db.example.com", "<none>"),
        ] as [(JSONValue, String, String, String)])
    func aServiceShowsItsAddressesAndPorts(_ spec: JSONValue, _ clusterIP: String, _ external: String, _ ports: String)
        throws
    {
        let cells = try Self.cells(BuiltInTables.services, ["spec": spec])
        #expect(cells["Cluster-IP"] == clusterIP)
        #expect(cells["External-IP"] == external)
        #expect(cells["Port(s)"] == ports)
        #expect(cells["Age"] == "5m")
        #expect(cells["Selector"] == "<none>")
    }

    @Test func aLoadBalancerShowsEveryEntryPointInOrder() throws {
        let cells = try Self.cells(
            BuiltInTables.services,
            [
                "spec": ["type": "LoadBalancer", "selector": ["b": "2", "a": "1"], "externalIPs": ["203.0.113.1"]],
                "status": ["loadBalancer": ["ingress": [["ip": "192.0.2.9"], ["hostname": "a.example.com"]]]],
            ])
        #expect(cells["External-IP"] == "192.0.2.9,a.example.com,203.0.113.1")
        #expect(cells["Selector"] == "a=1,b=2")
    }

    @Test(
        arguments: [
            ([], "<none>"),
            ([["addresses": [["ip": "10.0.0.1"]], "ports": [["port": 80]]]], "10.0.0.1:80"),
            ([["addresses": [["ip": "fd00::1"]], "ports": [["port": 80]]]], "[fd00::1]:80"),
            ([["addresses": [["ip": "10.0.0.1"], ["ip": "10.0.0.2"]]]], "10.0.0.1,10.0.0.2"),
            (
                [["addresses": [["ip": "10.0.0.1"], ["ip": "10.0.0.2"]], "ports": [["port": 80], ["port": 81]]]],
                "10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more..."
            ),
            ([["notReadyAddresses": [["ip": "10.0.0.1"]], "ports": [["port": 80]]]], ""),
        ] as [(JSONValue, String)])
    func endpointsShowThreeAddresses(_ subsets: JSONValue, _ text: String) throws {
        #expect(try Self.cells(BuiltInTables.endpoints, ["subsets": subsets])["Endpoints"] == text)
    }

    @Test func aSliceShowsThreePortsAndAddresses() throws {
        let full = try Self.cells(
            BuiltInTables.endpointSlices,
            [
                "addressType": "IPv4",
                "ports": [["port": 80], ["name": "any"], ["name": "c", "port": 3], ["port": 4]],
                "endpoints": [["addresses": ["10.0.0.1", "10.0.0.2"]], ["addresses": ["10.0.0.3"]]],
            ])
        #expect(full["Ports"] == "80,any,3 + 1 more...")
        #expect(full["Endpoints"] == "10.0.0.1,10.0.0.2,10.0.0.3")
        let empty = try Self.cells(BuiltInTables.endpointSlices, ["addressType": "IPv6", "endpoints": .null])
        #expect(empty["Ports"] == "<unset>")
        #expect(empty["Endpoints"] == "<unset>")
    }

    @Test(
        arguments: [
            ([], "*"), ([["http": [:]]], "*"), ([["host": "a.x"]], "a.x"),
            ([["host": "a.x"], ["host": "b.x"]], "a.x,b.x"),
            (
                [["host": "a.x"], ["host": "b.x"], ["host": "c.x"], ["host": "d.x"], ["host": "e.x"]],
                "a.x,b.x,c.x + 2 more..."
            ),
        ] as [(JSONValue, String)])
    func anIngressShowsThreeHosts(_ rules: JSONValue, _ text: String) throws {
        let cells = try Self.cells(BuiltInTables.ingresses, ["spec": ["rules": rules]])
        #expect(cells["Hosts"] == text)
        #expect(cells["Class"] == "<none>")
        #expect(cells["Ports"] == "80")
    }

    @Test func anIngressShowsItsAddressAndTLSPort() throws {
        let cells = try Self.cells(
            BuiltInTables.ingresses,
            [
                "spec": ["ingressClassName": "shop", "tls": [["hosts": ["a.x"]]]],
                "status": ["loadBalancer": ["ingress": [["ip": "127.0.0.1"]]]],
            ])
        #expect(cells["Class"] == "shop")
        #expect(cells["Address"] == "127.0.0.1")
        #expect(cells["Ports"] == "80, 443")
    }

    @Test func anIngressClassShowsItsParameters() throws {
        let parameters: JSONValue = ["apiGroup": "example.com", "kind": "Settings", "name": "fast"]
        let cells = try Self.cells(
            BuiltInTables.ingressClasses, ["spec": ["controller": "martlet.dev/ingress", "parameters": parameters]])
        #expect(cells["Controller"] == "martlet.dev/ingress")
        #expect(cells["Parameters"] == "Settings.example.com/fast")
        #expect(try Self.cells(BuiltInTables.ingressClasses, ["spec": [:]])["Parameters"] == "<none>")
    }

    @Test func aNodeShowsConditionRolesAndAddresses() throws {
        let cells = try Self.cells(
            BuiltInTables.nodes,
            [
                "metadata": [
                    "name": "n",
                    "labels": ["node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge", "x": "y"],
                ],
                "spec": ["unschedulable": true],
                "status": [
                    "conditions": [
                        ["type": "MemoryPressure", "status": "True"], ["type": "Ready", "status": "False"],
                    ],
                    "addresses": [
                        ["type": "Hostname", "address": "n"], ["type": "InternalIP", "address": "10.0.0.1"],
                    ],
                    "nodeInfo": ["kubeletVersion": "v1.36.0", "osImage": ""],
                ],
            ])
        #expect(cells["Status"] == "NotReady,SchedulingDisabled")
        #expect(cells["Roles"] == "edge,worker")
        #expect(cells["Version"] == "v1.36.0")
        #expect(cells["Internal-IP"] == "10.0.0.1")
        #expect(cells["External-IP"] == "<none>")
        #expect(cells["OS-Image"] == "<unknown>")
        #expect(cells["Age"] == "<unknown>")
        #expect(try Self.cells(BuiltInTables.nodes, [:])["Status"] == "Unknown")
    }

    @Test func dataIsCounted() throws {
        let map: JSONValue = ["data": ["a": "1", "b": "2"], "binaryData": ["c": "eA=="]]
        #expect(try Self.cells(BuiltInTables.configMaps, map)["Data"] == "3")
        let secret = try Self.cells(BuiltInTables.secrets, ["type": "Opaque", "data": ["a": "eA=="]])
        #expect(secret["Type"] == "Opaque")
        #expect(secret["Data"] == "1")
        #expect(try Self.cells(BuiltInTables.serviceAccounts, [:])["Secrets"] == "0")
        #expect(try Self.cells(BuiltInTables.namespaces, ["status": ["phase": "Active"]])["Status"] == "Active")
        #expect(try Self.cells(BuiltInTables.leases, ["spec": ["holderIdentity": "me"]])["Holder"] == "me")
    }

    @Test func aCoreEventShowsItsTimesSourceAndTarget() throws {
        let cells = try Self.cells(
            BuiltInTables.events,
            [
                "involvedObject": ["kind": "Service", "name": "web", "fieldPath": "spec.ports[0]"], "type": "Warning",
                "reason": "Why", "message": " What happened.\n", "source": ["component": "c", "host": "h"], "count": 4,
                "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T23:59:50Z",
            ])
        #expect(cells["Last Seen"] == "10s")
        #expect(cells["First Seen"] == "24h")
        #expect(cells["Object"] == "service/web")
        #expect(cells["Subobject"] == "spec.ports[0]")
        #expect(cells["Source"] == "c, h")
        #expect(cells["Message"] == "What happened.")
        #expect(cells["Count"] == "4")
        #expect(cells["Name"] == "n")
    }

    @Test func anEventOfTheNewGroupShowsItsSeries() throws {
        var event: JSONValue = [
            "regarding": ["kind": "Pod"], "eventTime": "2026-01-01T23:00:00.000000Z", "note": "n",
            "reportingController": "rc", "reportingInstance": "ri", "deprecatedSource": [:],
        ]
        let single = try Self.cells(BuiltInTables.events, event)
        #expect(single["Last Seen"] == "60m")
        #expect(single["First Seen"] == "60m")
        #expect(single["Object"] == "pod")
        #expect(single["Source"] == "rc, ri")
        #expect(single["Count"] == "1")
        event["series"] = ["count": 7, "lastObservedTime": "2026-01-01T23:59:00.000000Z"]
        let series = try Self.cells(BuiltInTables.events, event)
        #expect(series["Last Seen"] == "60s")
        #expect(series["Count"] == "7")
        #expect(try Self.cells(BuiltInTables.events, [:])["Last Seen"] == "<unknown>")
    }

    @Test func aRouteTableShowsWhatIsEnforced() throws {
        let cells = try Self.cells(
            BuiltInTables.routeTables,
            [
                "spec": [
                    "controllerName": "martlet.dev/ingress", "ingressClassName": "shop",
                    "rules": [["host": "a.x", "paths": [["path": "/"], ["path": "/b"]]]],
                    "defaultBackend": ["serviceName": "web"], "tls": [["secretName": "cert"]],
                ],
                "status": ["conditions": [["type": "Accepted", "status": "True"]]],
            ])
        #expect(cells["Routes"] == "3")
        #expect(cells["Accepted"] == "True")
        #expect(cells["Resolved"] == "Unknown")
        #expect(cells["Programmed"] == "Unknown")
        #expect(cells["TLS"] == "cert")
    }

    @Test func `a HealthCheck shows what it checks and found`() throws {
        let cells = try Self.cells(
            BuiltInTables.healthChecks,
            [
                "spec": [
                    "targetRefs": [["name": "a"], ["name": "b"]],
                    "httpGet": ["port": "web", "path": "/live", "scheme": "HTTPS"], "periodSeconds": 5,
                ],
                "status": [
                    "endpoints": 3, "failing": 1, "conditions": [["type": "Healthy", "status": "False"]],
                ],
            ])
        #expect(cells["Services"] == "a,b")
        #expect(cells["Check"] == "HTTPS:web/live")
        #expect(cells["Endpoints"] == "3")
        #expect(cells["Failing"] == "1")
        #expect(cells["Healthy"] == "False")
        #expect(cells["Accepted"] == "Unknown")
        #expect(cells["Period"] == "5s")
    }

    @Test func anAddressPoolShowsItsUse() throws {
        let cells = try Self.cells(
            BuiltInTables.addressPools,
            ["spec": ["addresses": ["192.0.2.0/28"]], "status": ["total": 16, "allocated": 2]])
        #expect(cells["Allocated"] == "2")
        #expect(cells["Total"] == "16")
        #expect(cells["Auto-Assign"] == "true")
        #expect(cells["Addresses"] == "192.0.2.0/28")
        #expect(cells["Namespaces"] == "<all>")
    }
}
