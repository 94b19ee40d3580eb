// swift-tools-version: 6.2
import PackageDescription

/// As in the package above: what is measured is compiled in the same way.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Programs that benchmarks run. The layers they measure are symbolic links into `../Sources`: `package` access, which
/// keeps those layers' interfaces out of the products, ends at a package's border, and a copy would be something else.
let package = Package(
    name: "benchmarks",
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "System", dependencies: ["CLinux"], swiftSettings: settings),
        .target(name: "NetworkTypes", swiftSettings: settings),
        .target(name: "CCrypt", linkerSettings: [.linkedLibrary("crypt")]),
        .target(name: "Passwords", dependencies: ["CCrypt", "COpenSSL"], swiftSettings: settings),
        .target(name: "KubeModel", dependencies: ["NetworkTypes", "CYAML", "CRE2"], swiftSettings: settings),
        .target(
            name: "Transport", dependencies: ["System", "NetworkTypes", "CLinux", "COpenSSL", "CNGHTTP2", "CZlib"],
            swiftSettings: settings),
        .target(
            name: "ProxyEngine",
            dependencies: [
                "System", "NetworkTypes", "Passwords", "Transport", "CLinux", "COpenSSL", "CNGHTTP2", "CRE2",
            ],
            swiftSettings: settings),

        .executableTarget(
            name: "l7-runner", dependencies: ["NetworkTypes", "Transport", "ProxyEngine"], swiftSettings: settings),
        .executableTarget(name: "json-benchmark", dependencies: ["KubeModel"], swiftSettings: settings),
        .executableTarget(
            name: "api-load", dependencies: ["COpenSSL", "CNGHTTP2"],
            linkerSettings: [
                .linkedLibrary("ssl"), .linkedLibrary("crypto"), .linkedLibrary("nghttp2"), .linkedLibrary("pthread"),
            ]),
    ]
)
