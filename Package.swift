// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is compiled in Swift 6 mode with the same upcoming features.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// What `/version` says the program was built from; empty outside of a clone.
let commit = Context.gitInformation?.currentCommit ?? ""

/// The house, bottom up. A target imports only what is named for it; `Tests/ConventionTests` checks the import lines.
let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .library(name: "KubeModel", targets: ["KubeModel", "CEL", "Patching"]),
        .library(name: "KubeClient", targets: ["KubeClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // C: what Glibc's Swift module lacks, and the system's libraries.
        .target(name: "CLinux"),
        .target(name: "CProcess", cSettings: [.define("MARTLET_COMMIT", to: "\"\(commit)\"")]),
        // Opened when it is needed: only its header is asked for, so that the program runs without it.
        .target(name: "CSystemd"),
        // RE2 has no interface in C: the shim is in C++.
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CXXHash"),
        .target(name: "CCrypt", linkerSettings: [.linkedLibrary("crypt")]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

        // The documents of openapi/ as data in the binary.
        .target(name: "COpenAPI"),

        .target(name: "System", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "NetworkTypes", swiftSettings: settings),
        .target(name: "Passwords", dependencies: ["CCrypt", "COpenSSL"], swiftSettings: settings),
        .target(name: "Netlink", dependencies: ["System"], swiftSettings: settings),
        .target(name: "NFTables", dependencies: ["Netlink"], swiftSettings: settings),
        .target(name: "IPVS", dependencies: ["NetworkTypes", "Netlink"], swiftSettings: settings),
        .target(name: "BPF", dependencies: ["System", "CLinux"], swiftSettings: settings),
        .target(name: "Conntrack", dependencies: ["NetworkTypes", "Netlink"], swiftSettings: settings),
        .target(name: "Systemd", dependencies: ["System", "CLinux", "CSystemd"], swiftSettings: settings),
        .target(name: "KubeModel", dependencies: ["NetworkTypes", "CYAML", "CRE2"], swiftSettings: settings),
        .target(name: "CEL", dependencies: ["NetworkTypes", "KubeModel"], swiftSettings: settings),
        .target(name: "Patching", dependencies: ["KubeModel"], swiftSettings: settings),
        .target(name: "Store", dependencies: ["System", "CSQLite", "CXXHash"], swiftSettings: settings),
        .target(
            name: "Transport", dependencies: ["System", "NetworkTypes", "CLinux", "COpenSSL", "CNGHTTP2", "CZlib"],
            swiftSettings: settings),
        .target(name: "WatchCache", dependencies: ["System", "KubeModel", "Store"], swiftSettings: settings),
        .target(
            name: "APIResources",
            dependencies: ["NetworkTypes", "KubeModel", "CEL", "Patching", "Store", "COpenAPI"], swiftSettings: settings
        ),
        .target(
            name: "APIServer",
            dependencies: [
                "System", "NetworkTypes", "KubeModel", "CEL", "Patching", "Store", "Transport", "WatchCache",
                "APIResources", logging,
            ],
            swiftSettings: settings),
        .target(
            name: "KubeClient", dependencies: ["System", "NetworkTypes", "KubeModel", "Transport", logging],
            swiftSettings: settings),
        .target(name: "TrafficModel", dependencies: ["NetworkTypes", "KubeModel"], swiftSettings: settings),
        .target(name: "DNS", dependencies: ["System", "NetworkTypes", "Transport", "CRE2"], swiftSettings: settings),
        .target(
            name: "Announcement", dependencies: ["System", "NetworkTypes", "Netlink", "CLinux"],
            swiftSettings: settings),
        .target(
            name: "ProxyEngine",
            dependencies: [
                "System", "NetworkTypes", "Passwords", "Transport", "CLinux", "COpenSSL", "CNGHTTP2", "CRE2",
            ],
            swiftSettings: settings),
        .target(
            name: "Controllers",
            dependencies: [
                "System", "NetworkTypes", "KubeModel", "KubeClient", "Passwords", "TrafficModel", "Transport", logging,
            ],
            swiftSettings: settings),
        .target(
            name: "DataPlane",
            dependencies: [
                "System", "NetworkTypes", "Netlink", "NFTables", "IPVS", "BPF", "Conntrack", "Systemd", "COpenSSL",
                "KubeModel", "Passwords", "Transport",
                "KubeClient", "TrafficModel", "ProxyEngine", "DNS", "Announcement", logging,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "CProcess", "System", "NetworkTypes", "Systemd", "KubeModel", "Store", "Transport", "APIResources",
                "APIServer",
                "KubeClient", "TrafficModel", "ProxyEngine", "Controllers", "DataPlane", "DNS", "Announcement",
                argumentParser,
                logging,
            ],
            swiftSettings: settings),
        .testTarget(name: "NetworkTypesTests", dependencies: ["NetworkTypes"], swiftSettings: settings),
        // What several test targets share.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(name: "NetlinkTests", dependencies: ["Netlink", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "NFTablesTests", dependencies: ["NFTables", "Netlink", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "IPVSTests", dependencies: ["IPVS", "Netlink", "NetworkTypes", "TestSupport"], swiftSettings: settings
        ),
        .testTarget(name: "BPFTests", dependencies: ["BPF", "System"], swiftSettings: settings),
        .testTarget(name: "SystemTests", dependencies: ["System"], swiftSettings: settings),
        .testTarget(name: "SystemdTests", dependencies: ["Systemd", "System"], swiftSettings: settings),
        .testTarget(name: "PasswordsTests", dependencies: ["Passwords"], swiftSettings: settings),
        .testTarget(name: "KubeModelTests", dependencies: ["KubeModel", "TestSupport"], swiftSettings: settings),
        .testTarget(name: "CELTests", dependencies: ["CEL", "KubeModel", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "PatchingTests", dependencies: ["Patching", "KubeModel", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "System", "CFailingDisk", "StoreCrashWriter"],
            swiftSettings: settings),
        // A disk that fails when a test says so: a VFS of SQLite.
        .target(name: "CFailingDisk", dependencies: ["CSQLite"], path: "Tests/CFailingDisk"),
        .testTarget(
            name: "WatchCacheTests", dependencies: ["WatchCache", "KubeModel", "Store"], swiftSettings: settings),
        // Killed over and over by StoreTests.
        .executableTarget(
            name: "StoreCrashWriter", dependencies: ["Store", "System"], path: "Tests/StoreCrashWriter",
            swiftSettings: settings),
        .testTarget(
            name: "TransportTests", dependencies: ["Transport", "System", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "APIResourcesTests",
            dependencies: ["APIResources", "CEL", "Patching", "KubeModel", "NetworkTypes", "Store", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "APIServerTests",
            dependencies: [
                "APIServer", "APIResources", "WatchCache", "CEL", "Patching", "KubeModel", "NetworkTypes", "Store",
                "System",
                "Transport", "TestSupport", logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "KubeClientTests", dependencies: ["KubeClient", "KubeModel", "Transport"], swiftSettings: settings),
        .testTarget(
            name: "ClientConformanceTests",
            dependencies: ["KubeClient", "KubeModel", "NetworkTypes", "APIResources", "APIServer", logging],
            swiftSettings: settings),
        .testTarget(
            name: "TrafficModelTests", dependencies: ["TrafficModel", "KubeModel", "NetworkTypes"],
            swiftSettings: settings),
        .testTarget(
            name: "DNSTests", dependencies: ["DNS", "NetworkTypes", "Transport", "TestSupport"], swiftSettings: settings
        ),
        .testTarget(
            name: "AnnouncementTests", dependencies: ["Announcement", "NetworkTypes", "System", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ProxyEngineTests",
            dependencies: ["ProxyEngine", "Passwords", "Transport", "NetworkTypes", "CNGHTTP2", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ControllersTests",
            dependencies: [
                "Controllers", "KubeClient", "KubeModel", "TrafficModel", "NetworkTypes", "Transport", "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "DataPlaneTests",
            dependencies: [
                "DataPlane", "DNS", "Announcement", "NFTables", "IPVS", "BPF", "Netlink", "Conntrack", "Systemd",
                "TrafficModel",
                "KubeClient",
                "KubeModel", "NetworkTypes", "Passwords", "Transport", "ProxyEngine", "TestSupport", logging,
            ],
            swiftSettings: settings),
        // Real packets between network namespaces.
        .target(name: "CNamespaces", path: "Tests/CNamespaces"),
        .testTarget(
            name: "PacketTests",
            dependencies: [
                "DataPlane", "Announcement", "DNS", "NFTables", "IPVS", "BPF", "Conntrack", "Netlink", "TrafficModel",
                "Transport",
                "KubeModel",
                "NetworkTypes", "System", "CLinux", "CNamespaces", logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MartletTests", dependencies: ["martlet", "KubeModel", "Transport"], swiftSettings: settings),
        .testTarget(name: "ConventionTests", swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "KubeModel", "martlet", "Announcement", "NetworkTypes", "System", "CNamespaces", "TestSupport",
            ],
            exclude: ["Manifests"],
            swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)
