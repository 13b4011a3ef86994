// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built with these: Swift 6 mode, no warning passes, no import leaks.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

/// A target of ours; its folder is `Sources/<name>` unless another is given.
func module(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil, exclude: [String] = []) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: ["TestSupport"] + dependencies, swiftSettings: strict)
}

let package = Package(
    name: "message-export",
    products: [
        .executable(name: "msgexportd", targets: ["msgexportd"]),
        .executable(name: "msgexport", targets: ["msgexport"]),
        .library(name: "MessageExportClient", targets: ["MessageExportClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // System libraries, and the C that protoc-c generates.
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CMalloc", providers: [.apt(["libmimalloc-dev"])]),
        .systemLibrary(name: "CProcess"),
        .systemLibrary(name: "CGMime", pkgConfig: "gmime-3.0", providers: [.apt(["libgmime-3.0-dev"])]),
        .target(name: "CMessages", dependencies: ["CProtobufC"]),

        // The daemon. Arrows point down: nothing imports what stands below it in this list.
        module("Model", []),
        module("Settings", ["Model", yams]),
        module("Disk", [system]),
        module("Messages", ["Model", "CMessages"]),
        module("RPC", ["Model", "Messages", nio, nioPosix]),
        module("Metrics", ["Model", "RPC", nio, nioHTTP, nioPosix]),
        module("SealedBox", ["CSodium"]),
        module("Dataset", ["Model", "Disk", "CZstd", crypto, system]),
        module("Audit", ["Model", crypto]),
        module("Catalog", ["Model", "Audit", grdb, system]),
        module("Formats", ["Model", "CDeflate", "CSnappy", "CZlib", "CZstd", crypto]),
        module("Destinations", ["Model", "Disk", "CProcess", crypto, subprocess, system]),
        module("Exporter", ["Model", "Disk", "Formats", "Destinations", crypto, system]),
        module(
            "Daemon",
            [
                "Model", "Messages", "RPC", "Disk", "Dataset", "Audit", "Catalog", "Formats", "Destinations", "Exporter",
                "Metrics", "SealedBox", "CMalloc", crypto, lifecycle, logging, signals, subprocess, system,
            ]),
        program(
            "msgexportd",
            [
                "CProcess", "Daemon", "Destinations", "Disk", "Metrics", "Model", "RPC", "Settings", argumentParser, logging,
                system,
            ], exclude: ["Service"]),

        // The clients.
        module(
            "MessageExportClient", ["Model", "Messages", "RPC", "Disk", "SealedBox", logging, nio, nioPosix, system],
            path: "Clients/Swift"),
        program("SwiftExamples", ["MessageExportClient", logging, system], path: "Clients/Examples"),
        module("Mail", ["Model", "CGMime"], path: "Clients/Mail"),
        program(
            "msgexport",
            [
                "MessageExportClient", "Mail", "CGMime", "Disk", "Formats", "Audit", "Messages", "Model", argumentParser, crypto,
                system,
            ],
            path: "Clients/CLI"),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["Model", "Disk", "RPC", nio, subprocess, system], path: "Tests/TestSupport",
            swiftSettings: strict),
        program(
            "Bench",
            [
                "CZstd", "Dataset", "Disk", "Formats", "MessageExportClient", "Messages", "Model", "RPC", "TestSupport", crypto,
                nio, subprocess,
                system,
            ],
            path: "Tests/Bench",
            exclude: [
                "Peers/main_queue.c", "Peers/nats_load.c", "Peers/ttrpc_answer.go", "Peers/export_peers.py",
                "Peers/sender_cost.py", "Report",
                "report.py",
                "requirements.txt",
            ]),
        .target(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
        module("FuzzTargets", ["RPC", "Messages", "Model", nio], path: "Tests/Fuzz/Targets"),
        program("Fuzz", ["FuzzTargets", "CLibFuzzer"], path: "Tests/Fuzz/Program"),
        tests("FuzzTests", ["FuzzTargets", "Messages", "Model", "RPC", nio, system]),
        tests("ModelTests", ["Model"]),
        tests("SettingsTests", ["Model", "Settings"]),
        tests("MetricsTests", ["Metrics", "Model"]),
        tests("MessagesTests", ["Messages", "Model", system]),
        tests("RPCTests", ["RPC", "Messages", "Model", nio, system]),
        tests("DiskTests", ["Disk", system]),
        tests("DatasetTests", ["Dataset", "Model", "Disk", crypto, system]),
        tests("AuditTests", ["Audit", "Model"]),
        .target(name: "CCrashVFS", path: "Tests/CCrashVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        tests("CatalogTests", ["Audit", "Catalog", "CCrashVFS", "Model", grdb, system]),
        tests("FormatsTests", ["Audit", "Formats", "Model", system]),
        tests("DestinationsTests", ["Destinations", "Disk", "Model", "msgexportd", crypto, system]),
        tests("ExporterTests", ["Exporter", "Destinations", "Formats", "Model", "Disk", crypto, system]),
        tests(
            "DaemonTests",
            [
                "Daemon", "Audit", "Catalog", "Dataset", "Destinations", "Disk", "Exporter", "Formats", "Messages", "Model",
                "SealedBox", crypto, logging, system,
            ]),
        tests("ClientTests", ["MessageExportClient", "Disk", "Messages", "Model", "SealedBox", system]),
        tests("MailTests", ["Mail", "Model", system]),
        tests(
            "IntegrationTests",
            [
                "MessageExportClient", "Disk", "Messages", "Model", "RPC", "SealedBox", "SwiftExamples", "msgexportd",
                "msgexport",
                subprocess, system,
            ]),
        tests("TidyTests", [system]),
        tests("CrashTests", ["MessageExportClient", "Model", "msgexportd", "msgexport", subprocess, system]),
    ],
    swiftLanguageModes: [.v6]
)
