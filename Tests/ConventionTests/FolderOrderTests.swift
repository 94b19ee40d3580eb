import Foundation
import Testing

/// Inside a target folders have an order too: each names only types of those before it.
@Suite("Folders inside a target have one order") struct FolderOrderTests {
    /// Target → its folders, the ground first; "" are the files beside them.
    static let orders: [String: [String]] = [
        "APIResources": [
            "Contract", "Metadata", "Rules", "Documents", "Tables", "Allocation", "Definitions", "Strategies",
            "Protobuf",
        ],
        "APIServer": [
            "", "Request", "Access", "Serving", "Metrics", "Rendering", "Reading", "Watching", "Writing", "Unstored",
            "OpenAPI", "Discovery", "Keepers", "CustomResources", "Proxying", "Pipeline", "Assembly",
        ],
        "Controllers": [
            "", "Announcement", "Nodes", "Certificates", "Disruption", "Endpoints", "NameService", "GarbageCollection",
            "Probing", "HealthChecks", "Ingress",
            "LoadBalancer", "Namespaces", "PodRegistration", "Storage", "Workloads", "Assembly",
        ],
        "KubeModel": [
            "JSON", "Coding", "Metadata", "Errors", "Validation", "Selectors", "Patterns", "Formats", "Schema", "Kinds",
            "YAML",
        ],
        "ProxyEngine": [
            "Core", "HTTP2", "Configuration", "Routing", "Filters", "Accounts", "Exchange", "Upstream", "Downstream",
            "Engine",
        ],
        "DNS": ["", "Message", "Zone", "Cache", "Rewriting", "Answering", "Resolving", "Serving"],
        "Announcement": ["Election", "Layer2", "BFD", "BGP"],
        "DataPlane": [
            "Metrics", "State", "Enforcement", "Node", "Units", "Ingress", "Corefile", "Names", "Announcing", "",
        ],
        "KubeClient": [
            "", "Time", "Configuration", "Client", "Discovery", "Election", "Events", "Cache", "Queue", "Testing",
        ],
        "Patching": ["Apply", "Patches"],
        "Store": ["", "SQLite"],
        "martlet": ["Process", "Credentials", "Echo", "Commands", "Register", "Up", "Join", ""],
        "Transport": [
            "", "EventLoop", "Sockets", "TLS", "Listening", "HTTP", "HTTP1", "Server", "WebSocket", "Client",
        ],
    ]

    @Test(arguments: orders.keys.sorted())
    func `a folder names only types of the folders before it`(target: String) throws {
        let order = try #require(Self.orders[target])
        let files = try Sources.swiftFiles(below: "Sources/\(target)")
        var floorOfType: [String: Int] = [:]
        /// Folder → every type declared in it, also inside of others: such a name means that one there.
        var declared: [Int: Set<String>] = [:]
        for file in files {
            let floor = try #require(Self.floor(of: file, order), "\(file.path) is in no folder of \(order)")
            for match in file.text.matches(
                of: #/(?m)^( *)((?:[a-z]+ )*)(?:struct|class|enum|protocol|actor|typealias) (\w+)/#)
            {
                let name = String(match.output.3)
                declared[floor, default: []].insert(name)
                if match.output.1.isEmpty, !match.output.2.contains("private ") { floorOfType[name] = floor }
            }
        }
        #expect(Set(floorOfType.values) == Set(order.indices))
        for file in files {
            let floor = Self.floor(of: file, order) ?? 0
            for name in Self.names(in: file) {
                guard let other = floorOfType[name], other > floor, declared[floor]?.contains(name) != true else {
                    continue
                }
                Issue.record("\(file.path) names \(name) of \(order[other])")
            }
        }
    }

    @Test func `every target with folders has an order`() throws {
        var targets: Set<String> = []
        for file in try Sources.swiftFiles(below: "Sources") {
            let parts = file.path.split(separator: "/")
            if parts.count > 3 { targets.insert(String(parts[1])) }
        }
        #expect(targets.subtracting(Self.orders.keys).isEmpty)
    }

    private static func floor(of file: Sources.File, _ order: [String]) -> Int? {
        let parts = file.path.split(separator: "/")
        return order.firstIndex(of: parts.count > 3 ? String(parts[2]) : "")
    }

    /// Capitalised words of the code, without comments, texts and members.
    private static func names(in file: Sources.File) -> Set<String> {
        let code = file.lines.map { line in
            line.replacing(#/"[^"]*"/#, with: "").split(
                separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
        }.joined(separator: "\n")
        return Set(code.matches(of: #/(?:^|[^.\w])([A-Z]\w+)/#).map { String($0.output.1) })
    }
}
