import Testing

/// The arrows of the house point down only (`docs/decisions/0001-layers.md`).
@Suite("Which target may import which") struct LayeringTests {
    /// Target → the targets of ours it may import.
    static let allowed: [String: Set<String>] = [
        "System": ["CLinux"],
        "NetworkTypes": [],
        "Passwords": ["CCrypt", "COpenSSL"],
        "Netlink": ["System"],
        "NFTables": ["Netlink"],
        "IPVS": ["NetworkTypes", "Netlink"],
        "BPF": ["System", "CLinux"],
        "Conntrack": ["NetworkTypes", "Netlink"],
        "Systemd": ["System", "CLinux", "CSystemd"],
        "KubeModel": ["NetworkTypes", "CYAML", "CRE2"],
        "CEL": ["NetworkTypes", "KubeModel"],
        "Patching": ["KubeModel"],
        "Store": ["System", "CSQLite", "CXXHash"],
        "Transport": ["System", "NetworkTypes", "CLinux", "COpenSSL", "CNGHTTP2", "CZlib"],
        "WatchCache": ["System", "KubeModel", "Store"],
        "APIResources": ["NetworkTypes", "KubeModel", "CEL", "Patching", "Store", "COpenAPI"],
        "APIServer": [
            "System", "NetworkTypes", "KubeModel", "CEL", "Patching", "Store", "Transport", "WatchCache",
            "APIResources",
        ],
        "KubeClient": ["System", "NetworkTypes", "KubeModel", "Transport"],
        "TrafficModel": ["NetworkTypes", "KubeModel"],
        "DNS": ["System", "NetworkTypes", "Transport", "CRE2"],
        "Announcement": ["System", "NetworkTypes", "Netlink", "CLinux"],
        "ProxyEngine": [
            "System", "NetworkTypes", "Passwords", "Transport", "CLinux", "COpenSSL", "CNGHTTP2", "CRE2",
        ],
        "Controllers": [
            "System", "NetworkTypes", "KubeModel", "KubeClient", "Passwords", "TrafficModel", "Transport",
        ],
        "DataPlane": [
            "System", "NetworkTypes", "Netlink", "NFTables", "IPVS", "BPF", "Conntrack", "KubeModel", "Passwords",
            "Transport",
            "KubeClient", "TrafficModel", "ProxyEngine", "DNS", "Announcement", "Systemd", "COpenSSL",
        ],
    ]

    static let ours: Set<String> = Set(allowed.keys).union([
        "CLinux", "COpenSSL", "CNGHTTP2", "CZlib", "CSQLite", "CYAML", "CRE2", "CSystemd", "CXXHash", "COpenAPI",
        "CCrypt",
    ])

    @Test(arguments: allowed.keys.sorted())
    func `a target imports only the targets below it`(target: String) throws {
        let permitted = try #require(Self.allowed[target])
        for file in try Sources.swiftFiles(below: "Sources/\(target)") {
            for module in Self.imports(of: file) where Self.ours.contains(module) {
                #expect(permitted.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test(arguments: ["NetworkTypes", "KubeModel", "CEL", "Patching", "APIResources", "TrafficModel"])
    func `a pure target imports no logger, no clock and nothing of the system`(target: String) throws {
        for file in try Sources.swiftFiles(below: "Sources/\(target)") {
            let impure = Self.imports(of: file).filter { ["Logging", "Dispatch", "System"].contains($0) }
            #expect(impure.isEmpty, "\(file.path) imports \(impure)")
        }
    }

    @Test func `no source imports the whole of Foundation`() throws {
        for file in try Sources.swiftFiles(below: "Sources") {
            #expect(!Self.imports(of: file).contains("Foundation"), "\(file.path) imports Foundation")
        }
    }

    static func imports(of file: Sources.File) -> [String] {
        file.lines.compactMap { line in
            var words = line.split(separator: " ")
            while let first = words.first,
                first.hasPrefix("@") || ["public", "package", "internal", "private", "fileprivate"].contains(first)
            {
                words.removeFirst()
            }
            guard words.count >= 2, words[0] == "import" else { return nil }
            return String(words[words.count == 3 ? 2 : 1].split(separator: ".")[0])
        }
    }
}
