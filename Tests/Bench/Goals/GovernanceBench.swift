import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// A daemon with 1,000 sandboxes of 20 configurations each beside one with one sandbox: what an ingest takes, what a start takes, what it
/// holds in memory. Rounds alternate, so that the machine's moods hit both.
enum GovernanceBench {
    static let sandboxes = 1000
    static let configurations = 20

    static func run(_ programs: FilePath, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            let (one, many) = (folder.appending("one"), folder.appending("many"))
            for path in [one, many] {
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
                try await BenchDaemon.with(programs: programs, in: path) { daemon in
                    if path == many { try await fill(daemon) }
                }
            }
            for path in [one, many] {
                let start = nanoseconds()
                try await BenchDaemon.with(programs: programs, in: path, isPrepared: false) { daemon in
                    let milliseconds = Int(nanoseconds() - start) / 1_000_000
                    tell(
                        "\(path == one ? "1 sandbox" : "\(sandboxes) sandboxes of \(configurations) configurations"): start \(milliseconds) ms, \(Int(daemon.memory.now)) MiB"
                    )
                }
            }
            tell("goal: a start under 2,000 ms, at most 64 MiB more")
            try await BenchDaemon.with(programs: programs, in: one, isPrepared: false) { first in
                try await BenchDaemon.with(programs: programs, in: many, isPrepared: false) { second in
                    try results.add(try await compare(first, second))
                }
            }
        }
    }

    private static func compare(_ one: BenchDaemon, _ many: BenchDaemon) async throws -> Figure {
        @Sendable func p50(_ daemon: BenchDaemon, _ round: Int) throws -> Double {
            try Single(daemon.socket, corpus: .receipt, isKept: true).times("g\(round)", count: 1000).medianMicroseconds
        }
        return try await Comparison(
            goal: "P10",
            title: "p50 of one ingest after the other with \(sandboxes) sandboxes of \(configurations) configurations",
            unit: "µs", better: .less,
            contenders: [.ours { try p50(many, $0) }, .peer("the same with one sandbox", goal: 1.1) { try p50(one, $0) }]
        ).run()
    }

    private static func fill(_ daemon: BenchDaemon) async throws {
        let client = try await MessageExportClient.connect(socket: daemon.socket, timeout: .seconds(300))
        for number in 1..<sandboxes {
            let name = "s\(number)"
            _ = try await client.createSandbox(name: name)
            let there = try await MessageExportClient.connect(socket: daemon.socket, sandbox: name, timeout: .seconds(300))
            try await there.grant(.operator, to: .user(geteuid()))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<configurations {
                    group.addTask {
                        _ = try await there.createConfiguration(
                            name: "c\(index)", channel: .sms, settings: ConfigurationSettings(messageExport: index % 2 == 0),
                            submit: true)
                    }
                }
                try await group.waitForAll()
            }
            await there.close()
        }
        await client.close()
    }
}
