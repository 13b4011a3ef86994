import Foundation
import MessageExportClient
import Messages
import Model
import NIOCore
import RPC
import SystemPackage
import TestSupport

/// A daemon with 1,000 sandboxes of 20 configurations each beside one with one sandbox: what an ingest takes, what a start takes, what it
/// holds in memory. Rounds alternate, so that the machine's moods hit both.
enum GovernanceBench {
    static let sandboxes = 1000
    static let configurations = 20
    static let rounds = 5

    static func run(_ programs: FilePath) async throws {
        try await withTemporaryFolder { folder in
            let (one, many) = (folder.appending("one"), folder.appending("many"))
            for path in [one, many] {
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
                try await BenchDaemon.with(programs: programs, in: path) { daemon in
                    if path == many { try await fill(daemon) }
                }
            }
            for path in [one, many] {
                let start = ContinuousClock.now
                try await BenchDaemon.with(programs: programs, in: path, isPrepared: false) { daemon in
                    let time = ContinuousClock.now - start
                    print(
                        "\(path == one ? "1 sandbox" : "\(sandboxes) sandboxes of \(configurations) configurations"): start \(time.microseconds / 1000) ms, \(Int(daemon.memory.now)) MiB"
                    )
                }
            }
            print("goal: a start under 2,000 ms, at most 64 MiB more")
            try await BenchDaemon.with(programs: programs, in: one, isPrepared: false) { first in
                try await BenchDaemon.with(programs: programs, in: many, isPrepared: false) { second in
                    try await compare(first, second)
                }
            }
        }
    }

    private static func compare(_ first: BenchDaemon, _ second: BenchDaemon) async throws {
        var (one, many) = (Latencies(), Latencies())
        var ratios: [Double] = []
        for round in 0..<rounds {
            let alone = try FairnessBench.measure(first, "g\(round)")
            let among = try FairnessBench.measure(second, "g\(round)")
            one.all += alone.all
            many.all += among.all
            ratios.append(among.quantile(0.5) / alone.quantile(0.5))
        }
        for (name, latencies) in [("1 sandbox", one), ("\(sandboxes) sandboxes", many)] {
            print(
                "one durable ingest after the other, 2 KiB, \(name): p50 \(latencies.quantile(0.5).microseconds) us, p99 \(latencies.quantile(0.99).microseconds) us"
            )
        }
        let spread = ratios.sorted().map { String(Int($0 * 100)) + " %" }.joined(separator: ", ")
        print("p50 with many is \(Int(many.quantile(0.5) / one.quantile(0.5) * 100)) % of p50 with one (rounds: \(spread))")
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
