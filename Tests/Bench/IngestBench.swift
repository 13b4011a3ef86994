import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage
import TestSupport

/// Durable, encrypted, idempotent ingest beside Redis streams (append-only file, synced always) and PostgreSQL (a unique id a row), on the same
/// content. Rounds alternate, so that the machine's moods hit all.
enum IngestBench {
    static let rounds = 5

    /// One line of the table.
    private struct Figures {
        var ours: [Double] = []
        var redis: [Double] = []
        var postgres: [Double] = []

        func ratios(to peer: [Double]) -> [Double] { zip(ours, peer).map { $0 / $1 } }
    }

    static func run(_ programs: FilePath) async throws {
        try await withTemporaryFolder { folder in
            let peersFolder = folder.appending("peers")
            try FileManager.default.createDirectory(atPath: peersFolder.string, withIntermediateDirectories: false)
            try await Peers.with(in: peersFolder) { peers in
                try await BenchDaemon.with(programs: programs, in: folder) { daemon in try await compare(daemon, peers) }
            }
        }
    }

    private static func compare(_ daemon: BenchDaemon, _ peers: Peers) async throws {
        var (many, large, one) = (Figures(), Figures(), Figures())
        for round in 0..<rounds {
            many.ours.append(try await load(daemon, "a\(round)") { $0.count = 400_000 }.rate)
            many.redis.append(try await peers.redis(connections: 4, inFlight: 64, bytes: 2000, count: 60_000).rate)
            many.postgres.append(try await peers.postgres(connections: 4, rows: 64, bytes: 2000, seconds: 3))
            large.ours.append(
                try await load(daemon, "b\(round)") {
                    $0.count = 60_000
                    $0.bytes = 20_000
                }.rate)
            large.redis.append(try await peers.redis(connections: 4, inFlight: 64, bytes: 20_000, count: 15_000).rate)
            one.ours.append(
                try await load(daemon, "c\(round)") {
                    $0.count = 3000
                    ($0.connections, $0.inFlight) = (1, 1)
                }.p50)
            one.redis.append(try await peers.redis(connections: 1, inFlight: 1, bytes: 2000, count: 3000).p50)
        }
        print("P1  durable ingest, 2 KiB, 4 connections x 64 in flight, messages a second")
        show(many, goals: "redis >= 7, postgres >= 12")
        print("P3  durable ingest, 20 KiB, 4 connections x 64 in flight, messages a second")
        show(large, goals: "redis >= 4")
        print("P2  one durable ingest after the other, 2 KiB, p50 in microseconds")
        show(one, goals: "redis <= 0.9")
        let memory = daemon.memory
        print("resident memory after it: \(Int(memory.now)) MiB, at most \(Int(memory.peak)) MiB")
    }

    private static func show(_ figures: Figures, goals: String) {
        func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
        print("  ours \(Int(median(figures.ours)))  (\(figures.ours.map { String(Int($0)) }.joined(separator: " ")))")
        for (name, values) in [("redis", figures.redis), ("postgres", figures.postgres)] where !values.isEmpty {
            let ratios = figures.ratios(to: values).sorted()
            func text(_ ratio: Double) -> String { String((ratio * 100).rounded() / 100) }
            print(
                "  \(name) \(Int(median(values)))  ours is \(text(median(ratios))) x (\(text(ratios[0])) to \(text(ratios[ratios.count - 1])))"
            )
        }
        print("  goal: \(goals)")
    }

    /// Lets a process of its own send.
    static func load(
        _ daemon: BenchDaemon, _ name: String, _ change: (inout Load.Order) -> Void
    ) async throws -> (rate: Double, p50: Double, p99: Double) {
        var order = Load.Order(socket: daemon.socket, name: name)
        change(&order)
        let program = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let ended = try await Programs.run(program, order.arguments)
        let numbers = ended.output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard ended.code == 0, numbers.count == 3 else {
            throw Status(.internal, "the load failed: \(ended.output)\(ended.errors)")
        }
        return (numbers[0], numbers[1], numbers[2])
    }
}
