import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// Resident memory of a daemon: idle over a million records, and at most while 1,000 connections have 64 messages of 2 KiB in flight each, all the time: 128 MiB
/// of content that its senders would like to be in the daemon at once. What is in it is bounded at 64 MiB.
enum MemoryBench {
    private static let connections = 1000
    private static let inFlight = 64

    /// Until what was needed for a time is given back, and what was written is compacted.
    private static let seconds = Limits.upkeepSeconds + 40

    static func run(_ programs: FilePath, _ results: Results) async throws {
        var crowded: [Double] = []
        for round in 0..<Comparison.rounds {
            crowded.append(
                try await measure(programs, "c\(round)", seconds: 0) {
                    ($0.connections, $0.inFlight, $0.count) = (connections, inFlight, connections * inFlight * 3)
                }.peak)
        }
        // At the same time, as each has to wait.
        let idle = try await withThrowingTaskGroup(of: Double.self) { group in
            for round in 0..<Comparison.rounds {
                group.addTask {
                    try await measure(programs, "i\(round)", seconds: seconds) { $0.count = 1_000_000 }.idle
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try results.add(
            Figure(
                goal: "P8", title: "resident memory, idle over 1 M records", unit: "MiB", better: .less, ours: idle, bound: 64))
        try results.add(
            Figure(
                goal: "P8", title: "resident memory at most, \(connections) connections x \(inFlight) in flight", unit: "MiB",
                better: .less, ours: crowded, bound: 256))
    }

    private static func measure(
        _ programs: FilePath, _ name: String, seconds: Int, _ change: @escaping @Sendable (inout Load.Order) -> Void
    ) async throws -> (idle: Double, peak: Double) {
        try await withTemporaryFolder { folder in
            try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                _ = try await Load.run(Load.Order(socket: daemon.socket, name: name, change))
                try await Task.sleep(for: .seconds(seconds))
                let memory = daemon.memory
                return (memory.now, memory.peak)
            }
        }
    }
}
