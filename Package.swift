// swift-tools-version: 6.2
import PackageDescription

// Each target may import only what it names here; the build checks that with
// `--explicit-target-dependency-import-check error` (see the Makefile), and
// `bin/check-imports` checks the system modules. Directions: docs/architecture.md.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "boathook",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "boathook", targets: ["boathook"]),
        .executable(name: "boathookd", targets: ["boathookd"]),
    ],
    dependencies: [
        .package(
            url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1",
            traits: []),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", "4.5.2"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.24.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
    ],
    targets: [
        .target(name: "VastAPI", swiftSettings: strict),
        .target(name: "CommandPolicy", swiftSettings: strict),
        .target(name: "AgentLink", dependencies: ["CommandPolicy"], swiftSettings: strict),
        .target(name: "FaultPoints", swiftSettings: strict),
        .target(
            name: "LogLine", dependencies: [.product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "PolicyDocuments",
            dependencies: ["CommandPolicy", .product(name: "Yams", package: "Yams")],
            resources: [
                .embedInCode("Profiles/vast.yaml"), .embedInCode("Profiles/inspect.yaml"),
                .embedInCode("Profiles/diagnose.yaml"),
            ],
            swiftSettings: strict),
        .target(
            name: "ControlPlane",
            dependencies: [
                "CommandPolicy", "AgentLink", "FaultPoints",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "SQLiteStore",
            dependencies: [
                "ControlPlane", "CommandPolicy", "AgentLink",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "ResultStores",
            dependencies: [
                "ControlPlane", "AgentLink",
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "APIServer",
            dependencies: [
                "VastAPI", "ControlPlane", "AgentLink", "CommandPolicy",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [
                .embedInCode("Documents/openapi.yaml"), .embedInCode("Documents/llms.txt"),
            ],
            swiftSettings: strict),
        .target(
            name: "ContainerEngine",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOFoundationEssentialsCompat", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(name: "CDisk", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "CJail", cSettings: [.define("_GNU_SOURCE")]),
        .target(
            name: "Jail",
            dependencies: [
                "CJail",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "Agent",
            dependencies: [
                "AgentLink", "CDisk", "CommandPolicy", "ContainerEngine", "FaultPoints", "Jail",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationEssentialsCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "BoathookCLI",
            dependencies: [
                "VastAPI", "CommandPolicy",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationEssentialsCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "boathook", dependencies: ["BoathookCLI"], swiftSettings: strict),
        .executableTarget(
            name: "boathookd",
            dependencies: [
                "VastAPI", "CommandPolicy", "AgentLink", "ControlPlane", "SQLiteStore",
                "ResultStores", "APIServer", "PolicyDocuments", "LogLine",
                "CDisk", "ContainerEngine", "Jail", "Agent",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .target(
            name: "StoreConformance",
            dependencies: ["ControlPlane", "CommandPolicy", "AgentLink", "PolicyDocuments"],
            swiftSettings: strict),
        .target(
            name: "AgentSimulator", dependencies: ["ControlPlane", "AgentLink"],
            swiftSettings: strict),
        .testTarget(
            name: "CommandPolicyTests", dependencies: ["CommandPolicy", "PolicyDocuments"],
            swiftSettings: strict),
        .testTarget(
            name: "PolicyDocumentsTests", dependencies: ["CommandPolicy", "PolicyDocuments"],
            swiftSettings: strict),
        .testTarget(
            name: "LogLineTests",
            dependencies: [
                "LogLine", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(name: "VastAPITests", dependencies: ["VastAPI"], swiftSettings: strict),
        .testTarget(
            name: "AgentLinkTests", dependencies: ["AgentLink", "CommandPolicy"],
            exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: ["AgentLink", "CommandPolicy", "ControlPlane", "PolicyDocuments"],
            swiftSettings: strict),
        .testTarget(
            name: "SQLiteStoreTests",
            dependencies: [
                "SQLiteStore", "StoreConformance", "AgentLink", "CommandPolicy", "ControlPlane",
                "PolicyDocuments",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ResultStoresTests",
            dependencies: [
                "ResultStores", "ControlPlane", "AgentLink",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "APIServerTests",
            dependencies: [
                "APIServer", "AgentLink", "AgentSimulator", "CommandPolicy", "ControlPlane",
                "PolicyDocuments", "ResultStores", "SQLiteStore", "StoreConformance", "VastAPI",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .testTarget(name: "JailTests", dependencies: ["CJail", "Jail"], swiftSettings: strict),
        .testTarget(
            name: "AgentTests",
            dependencies: [
                "Agent", "AgentLink", "CommandPolicy", "ContainerEngine", "Jail", "PolicyDocuments",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "BoathookCLITests",
            dependencies: [
                "BoathookCLI", "VastAPI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
    ]
)
