// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// With the Swift runtime inside: what nothing uses is left out of memory, the start finds nothing to bind, and the program
/// runs where no Swift is. The last two are parts of FoundationEssentials, which swift-argument-parser uses.
let selfContained: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-use-ld=lld", "-l_FoundationCollections", "-l_FoundationCShims"],
        .when(configuration: .release))
]

/// Swift without its runtime. By flags and not by the package's own setting, which would link a debug build so as well.
let embedded = ["-enable-experimental-feature", "Embedded"]

let package = Package(
    name: "sipguardd",
    products: [
        .executable(name: "sipguardd", targets: ["sipguardd"]),
        .executable(name: "sipguardctl", targets: ["sipguardctl"]),
        .executable(name: "sipguard-agi", targets: ["sipguard-agi"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .target(name: "CPlatform"),
        .target(name: "JSON", dependencies: ["CJansson", "CPlatform"], swiftSettings: strict),
        .target(name: "RPC", dependencies: ["JSON", "CPlatform"], swiftSettings: strict),
        .target(name: "Policy", swiftSettings: strict),
        .target(name: "Repeatable", swiftSettings: strict),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(
            name: "PolicyFile", dependencies: ["CYaml", "Policy"],
            resources: [.embedInCode("default-policy.yaml"), .embedInCode("policy.schema.json")], swiftSettings: strict),
        .target(name: "State", dependencies: ["CPlatform", "Policy"], swiftSettings: strict),
        .target(
            name: "Guard", dependencies: ["CPlatform", "JSON", "RPC", "Policy", "PolicyFile", "State"],
            swiftSettings: strict),
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .target(
            name: "Replay", dependencies: ["CPcap", "Guard", "JSON", "Policy", "PolicyFile", "State"],
            swiftSettings: strict),
        .target(name: "CFetch"),
        .target(
            name: "Feeds", dependencies: ["CFetch", "Guard", "JSON", "Policy", "PolicyFile", "RPC"],
            swiftSettings: strict),
        .target(name: "CProgram"),
        .target(name: "AGI", dependencies: ["Policy"], swiftSettings: strict),
        .target(name: "FastAGI", dependencies: ["AGI", "Guard", "Policy", "RPC"], swiftSettings: strict),
        .executableTarget(
            name: "sipguard-agi", dependencies: ["CProgram"],
            swiftSettings: strict + [.define("ONE_MODULE"), .unsafeFlags(embedded, .when(configuration: .release))],
            linkerSettings: [.unsafeFlags(embedded + ["-static-executable"], .when(configuration: .release))]),
        .target(name: "AMI", dependencies: ["Guard", "Policy", "RPC"], swiftSettings: strict),
        .target(name: "ARI", dependencies: ["Guard", "JSON", "Policy", "RPC"], swiftSettings: strict),
        .target(name: "Kamailio", dependencies: ["Guard", "JSON", "Policy", "RPC"], swiftSettings: strict),
        .target(
            name: "Daemon",
            dependencies: [
                "AMI", "ARI", "FastAGI", "Feeds", "Guard", "Kamailio", "Policy", "PolicyFile", "RPC", "JSON",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "sipguardd",
            dependencies: ["Daemon", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict, linkerSettings: selfContained),
        .target(name: "Console", dependencies: ["JSON", "Policy"], swiftSettings: strict),
        .executableTarget(
            name: "sipguardctl",
            dependencies: [
                "Console", "RPC", "JSON", "PolicyFile", "Replay",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict, linkerSettings: selfContained),
        .target(name: "CAllocations", path: "Benchmarks/CAllocations"),
        .executableTarget(
            name: "micro-bench",
            dependencies: ["CAllocations", "Guard", "JSON", "Policy", "PolicyFile", "RPC", "State"],
            path: "Benchmarks/micro", swiftSettings: strict),
        .target(
            name: "Differential", dependencies: ["CPlatform", "Guard", "JSON", "Policy", "Repeatable"],
            path: "Tests/Differential", swiftSettings: strict),
        .executableTarget(
            name: "fuzz", dependencies: ["Differential"], path: "Tests/Fuzz", swiftSettings: strict),
        .target(name: "Loopback", path: "Tests/Loopback", swiftSettings: strict),
        .testTarget(name: "ConsoleTests", dependencies: ["Console", "JSON", "Policy"], swiftSettings: strict),
        .testTarget(
            name: "SipguardctlTests",
            dependencies: [
                "sipguardctl", "Console", "Daemon", "RPC", "JSON", "Replay",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: strict),
        .testTarget(name: "RPCTests", dependencies: ["RPC", "Repeatable"], swiftSettings: strict),
        .testTarget(name: "PolicyTests", dependencies: ["Policy", "Repeatable"], swiftSettings: strict),
        .testTarget(
            name: "PolicyFileTests", dependencies: ["PolicyFile"], resources: [.copy("Fixtures")], swiftSettings: strict
        ),
        .testTarget(name: "StateTests", dependencies: ["State"], swiftSettings: strict),
        .testTarget(
            name: "AGITests",
            dependencies: ["AGI", "FastAGI", "Guard", "Policy", "PolicyFile", "RPC", "Repeatable", "sipguard-agi"],
            resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(
            name: "AMITests", dependencies: ["AMI", "Guard", "Loopback", "Policy", "PolicyFile", "RPC", "Repeatable"],
            resources: [.copy("Samples")], swiftSettings: strict),
        .testTarget(
            name: "ARITests", dependencies: ["ARI", "Guard", "JSON", "Loopback", "Policy", "PolicyFile", "RPC"],
            swiftSettings: strict),
        .testTarget(name: "GuardTests", dependencies: ["Differential", "Guard", "Repeatable"], swiftSettings: strict),
        .testTarget(
            name: "KamailioTests", dependencies: ["Kamailio", "Guard", "JSON", "Policy", "PolicyFile"],
            swiftSettings: strict),
        .testTarget(
            name: "DaemonTests", dependencies: ["AMI", "ARI", "Daemon", "Guard", "Kamailio"], swiftSettings: strict),
        .testTarget(name: "FeedsTests", dependencies: ["Feeds"], swiftSettings: strict),
        .target(
            name: "Corpus", dependencies: ["Guard", "Policy", "PolicyFile", "Repeatable", "Replay"],
            swiftSettings: strict),
        .executableTarget(
            name: "sipguard-corpus",
            dependencies: ["Corpus", "PolicyFile", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict),
        .testTarget(
            name: "CorpusTests", dependencies: ["Corpus", "Policy", "PolicyFile", "Repeatable"], swiftSettings: strict),
        .testTarget(
            name: "ReplayTests", dependencies: ["Guard", "JSON", "Policy", "PolicyFile", "Replay"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
