import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage

/// One connection asks for one thing after the other while another floods the daemon with as much as it takes. The quiet one's p99 is
/// expected to stay within five times of what it is alone: the batch being written, one more with its own record in it, and the turns
/// of the event loop. Rounds alternate, so that the machine's moods hit both.
enum FairnessBench {
    static let calls = 1000

    static func run(_ daemon: BenchDaemon, _ results: Results) async throws {
        @Sendable func p99(_ name: String) throws -> Double {
            let times = try Single(daemon.socket, corpus: .receipt, isKept: true).times(name, count: calls).sorted()
            return Double(times[times.count * 99 / 100]) / 1000
        }
        let comparison = Comparison(
            goal: "fairness", title: "p99 of one ingest after the other beside a flood", unit: "µs", better: .less,
            contenders: [
                .ours { round in try await withFlood(daemon, round) { try p99("f\(round)") } },
                .peer("the same alone", goal: 5) { round in try p99("q\(round)") },
            ])
        try results.add(try await comparison.run())
    }

    /// Runs `body` while another process sends all that the daemon takes.
    private static func withFlood<Value: Sendable>(
        _ daemon: BenchDaemon, _ round: Int, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let client = try await BenchDaemon.connect(daemon.socket)
        let program = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let value = try await Subprocess.run(
            .path(program), arguments: ["flood", daemon.socket, "flood-\(round)"], input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            let start = try await client.dataset().records
            // Under way.
            while try await client.dataset().records < start + 1000 { try await Task.sleep(for: .milliseconds(5)) }
            let (before, clock) = (try await client.dataset().records, ContinuousClock.now)
            let value = try await body()
            let rate = Double(try await client.dataset().records - before) / ((ContinuousClock.now - clock) / .seconds(1))
            tell("  beside the flood of round \(round): \(Int(rate)) records of 2 KiB a second")
            try execution.send(signal: .kill)
            return value
        }.closureResult
        await client.close()
        return value
    }
}
