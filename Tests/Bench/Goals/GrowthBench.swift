import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage
import TestSupport

/// What a dataset costs as it grows: the rate and the latency of ingesting, memory, looking things up, a start; against records, and against
/// connections.
enum GrowthBench {
    private static let millions = 20
    /// Of each record's text.
    private static let corpus = Corpus.sms

    static func run(_ programs: FilePath, _ results: Results) async throws {
        try await records(programs, results)
        try await connections(programs, results)
        try await GovernanceBench.run(programs, results)
    }

    private static func records(_ programs: FilePath, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            var rows: [[Double]] = []
            for million in 0...millions {
                // In turn with one that has nothing: what the machine does to both is no slope.
                let fresh = try await withTemporaryFolder { try await rateIntoNothing(programs, $0) }
                rows.append(try await step(programs, folder, million) + [fresh])
            }
            try results.add(
                Curve(
                    goal: "P10", name: "growth", title: "text messages against millions of records there are",
                    columns: [
                        "million records", "messages/s", "p50 µs", "p99 µs", "get by id p50 µs", "MiB resident", "start ms",
                        "into nothing, messages/s",
                    ], rows: rows))
            let shares = rows.dropFirst().map { $0[1] / $0[7] }
            try results.add(
                Figure(
                    goal: "P10", title: "rate as part of that into nothing, the last 5 of 20 M records", unit: "x",
                    better: .more, ours: Array(shares.suffix(5)),
                    others: [Figure.Other(name: "the first 5 M", kind: .peer, values: Array(shares.prefix(5)), goal: 0.95)]))
        }
    }

    private static func rateIntoNothing(_ programs: FilePath, _ folder: FilePath) async throws -> Double {
        try await BenchDaemon.with(programs: programs, in: folder, ending: .kill) { daemon in
            try await Load.run(
                Load.Order(socket: daemon.socket, name: "fresh") {
                    $0.corpus = corpus
                    $0.count = 300_000
                }
            ).rate
        }
    }

    /// A million more, and what it costs then.
    private static func step(_ programs: FilePath, _ folder: FilePath, _ million: Int) async throws -> [Double] {
        let start = nanoseconds()
        return try await BenchDaemon.with(programs: programs, in: folder, isPrepared: million == 0, ending: .kill) { daemon in
            let started = Double(nanoseconds() - start) / 1e6
            let figures = try await Load.run(
                Load.Order(socket: daemon.socket, name: "g\(million)") {
                    $0.corpus = corpus
                    $0.count = million == 0 ? 1000 : 1_000_000
                })
            let found = try await lookUp(daemon, million)
            return [Double(million), figures.rate, figures.p50, figures.p99, found, daemon.memory.now, started]
        }
    }

    /// The median of looking for an id of before, in microseconds.
    private static func lookUp(_ daemon: BenchDaemon, _ million: Int) async throws -> Double {
        let client = try await BenchDaemon.connect(daemon.socket)
        var generator = SeededGenerator(seed: Corpus.seed)
        var times: [UInt64] = []
        for _ in 0..<500 {
            let before = Int.random(in: 0...million, using: &generator)
            let lane = Int.random(in: 0..<4, using: &generator)
            let index = String(Int.random(in: 0..<(before == 0 ? 250 : 250_000), using: &generator))
            let id = "g\(before)-\(lane)-" + String(repeating: "0", count: 10 - index.count) + index
            let start = nanoseconds()
            let found = try await client.records(messageID: id).count
            times.append(nanoseconds() - start)
            guard found == 1 else { throw Status(.internal, "\(found) records of the id \(id)") }
        }
        await client.close()
        return times.medianMicroseconds
    }

    private static func connections(_ programs: FilePath, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                var rows: [[Double]] = []
                for connections in [1, 4, 16, 64, 256, 1000] {
                    var rounds: [Load.Figures] = []
                    for round in 0..<3 {
                        rounds.append(
                            try await Load.run(
                                Load.Order(socket: daemon.socket, name: "k\(connections)-\(round)") {
                                    $0.connections = connections
                                    $0.inFlight = max(1, 256 / connections)
                                    $0.count = 200_000
                                }))
                    }
                    rows.append([
                        Double(connections), rounds.map(\.rate).median, rounds.map(\.p50).median, rounds.map(\.p99).median,
                        daemon.memory.now,
                    ])
                }
                try results.add(
                    Curve(
                        goal: "P10", name: "connections", title: "receipts against connections, 256 in flight or one each",
                        columns: ["connections", "messages/s", "p50 µs", "p99 µs", "MiB resident"], rows: rows))
            }
        }
    }
}
