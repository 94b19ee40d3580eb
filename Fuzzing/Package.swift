// swift-tools-version: 6.2
import PackageDescription

/// As in the package above, and with the sanitizers' instrumentation.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-sanitize=fuzzer,address"]),
]

/// One program with every fuzz target; its first argument chooses. What it feeds are symbolic links into `../Sources`, as
/// in `../Benchmarks`.
let package = Package(
    name: "fuzzing",
    targets: [
        .target(name: "CFuzzer"),
        .target(name: "CXXHash"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CLinux"),
        .target(name: "CProcess"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "System", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "NetworkTypes", swiftSettings: settings),
        .target(name: "CCrypt", linkerSettings: [.linkedLibrary("crypt")]),
        .target(name: "Passwords", dependencies: ["CCrypt", "COpenSSL"], swiftSettings: settings),
        .target(name: "Store", dependencies: ["System", "CSQLite", "CXXHash"], swiftSettings: settings),
        .target(
            name: "Transport", dependencies: ["System", "NetworkTypes", "CLinux", "COpenSSL", "CNGHTTP2", "CZlib"],
            swiftSettings: settings),
        .target(
            name: "ProxyEngine",
            dependencies: [
                "System", "NetworkTypes", "Passwords", "Transport", "CLinux", "COpenSSL", "CNGHTTP2", "CRE2",
            ],
            swiftSettings: settings),
        .target(name: "KubeModel", dependencies: ["NetworkTypes", "CYAML", "CRE2"], swiftSettings: settings),
        .target(name: "CEL", dependencies: ["NetworkTypes", "KubeModel"], swiftSettings: settings),
        .target(name: "Patching", dependencies: ["KubeModel"], swiftSettings: settings),
        .target(name: "DNS", dependencies: ["System", "NetworkTypes", "Transport", "CRE2"], swiftSettings: settings),
        .target(name: "Netlink", dependencies: ["System"], swiftSettings: settings),
        .target(
            name: "Announcement", dependencies: ["System", "NetworkTypes", "Netlink", "CLinux"],
            swiftSettings: settings),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer", "CProcess", "KubeModel", "CEL", "Patching", "NetworkTypes", "Store", "ProxyEngine", "System",
                "Transport", "DNS", "Announcement",
            ],
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
    ]
)
