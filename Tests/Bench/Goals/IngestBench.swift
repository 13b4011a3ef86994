import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// Durable, encrypted, idempotent ingest beside Redis streams (append-only file, synced always), PostgreSQL (a unique id a row) and NATS JetStream
/// (not synced), on the same content, and beside what disk, socket and cipher alone can do.
struct IngestBench: Sendable {
    private let daemon: BenchDaemon
    /// Of another commit, on the same load; nil: none was asked for.
    private let base: BenchDaemon?
    private let databases: Databases
    private let nats: Nats
    private let disk: DiskLimit
    private let folder: FilePath
    /// Unique in this run: what follows the name of each load.
    private static let run = UInt32.random(in: 0 ... .max)

    /// Times come first, and each of these has a daemon of its own: what was sent before is compressed a minute later, and delays what is sent then.
    static func run(_ programs: FilePath, base: FilePath?, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            try await BenchDaemon.with(programs: programs, in: folder) { try results.add(try await latencies($0)) }
        }
        try await with(programs, base: base) { try results.add(try await $0.depths()) }
        try await with(programs, base: base) { bench in
            try await Promises.require(bench.daemon, bench.folder)
            try await bench.compare(results)
            try await Promises.require(bench.daemon, bench.folder)
            let memory = bench.daemon.memory
            tell("    resident memory after it: \(Int(memory.now)) MiB, at most \(Int(memory.peak)) MiB")
        }
    }

    private static func with(
        _ programs: FilePath, base: FilePath?, _ body: @escaping @Sendable (IngestBench) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let peers = folder.appending("peers")
            try FileManager.default.createDirectory(atPath: peers.string, withIntermediateDirectories: false)
            try await Databases.with(in: peers) { databases in
                try await Nats.with(in: peers) { nats in
                    try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                        try await BenchDaemon.withBase(base, in: folder) { base in
                            try await body(
                                IngestBench(
                                    daemon: daemon, base: base, databases: databases, nats: nats, disk: try DiskLimit(in: folder),
                                    folder: folder))
                        }
                    }
                }
            }
        }
    }

    private func compare(_ results: Results) async throws {
        try results.add(try await many(.receipt, "P1", count: 400_000, redis: 7, postgres: 12, nats: 3))
        try results.add(try await one())
        try results.add(try await many(.campaign, "P3", count: 60_000, redis: 4))
        for (corpus, count) in [
            (Corpus.sms, 400_000), (.mix, 100_000), (.noise, 200_000), (.newsletter, 60_000), (.catalogue, 20_000),
        ] {
            try results.add(try await many(corpus, "ingest", count: count))
        }
    }

    /// Sends to that daemon, on four connections with 64 in flight each unless told otherwise.
    private static func load(
        _ daemon: BenchDaemon, _ name: String, _ change: (inout Load.Order) -> Void
    ) async throws -> Load.Figures {
        try await Load.run(Load.Order(socket: daemon.socket, name: "\(name)-\(run)", change))
    }

    private func withBase(
        _ contenders: [Contender], _ measure: @escaping @Sendable (BenchDaemon, Int) async throws -> Double
    ) -> [Contender] {
        [.ours { try await measure(daemon, $0) }] + (base.map { base in [.peer("base") { try await measure(base, $0) }] } ?? [])
            + contenders
    }

    /// Messages a second of many connections.
    private func many(
        _ corpus: Corpus, _ goal: String, count: Int, redis: Double? = nil, postgres: Double? = nil, nats: Double? = nil
    ) async throws -> Figure {
        let content = corpus.typical
        let bytes = content.utf8.count
        let few = min(count / 6, 60_000)
        var others: [Contender] = [
            .peer("Redis, synced always", goal: redis) { _ in
                try await databases.redis(connections: 4, inFlight: 64, content: content, count: few).rate
            }
        ]
        if postgres != nil {
            others.append(
                .peer("PostgreSQL, 64 rows an insert", goal: postgres) { _ in
                    try await databases.postgres(connections: 4, rows: 64, content: content, seconds: 3)
                })
        }
        if nats != nil {
            others.append(
                .peer("NATS JetStream, not synced", goal: nats) { _ in
                    try await self.nats.rate(connections: 4, inFlight: 64, content: content, count: few)
                })
        }
        others.append(.limit("write and fdatasync of 256") { _ in try disk.rate(bytes: 256 * bytes) / Double(bytes) })
        others.append(.limit("AES-256-GCM") { _ in try Processor.seal(batch: 256 << 10, of: corpus) / Double(bytes) })
        let contenders = withBase(others) { daemon, round in
            try await Self.load(daemon, "\(corpus)-\(round)") {
                $0.corpus = corpus
                $0.count = count
            }.rate
        }
        return try await Comparison(
            goal: goal, title: "durable ingest, \(corpus), some \(bytes) B, 4 connections x 64 in flight", unit: "messages/s",
            better: .more, contenders: contenders
        ).run()
    }

    /// One message after the other, each in a call of its own.
    private func one() async throws -> Figure {
        let content = Corpus.receipt.typical
        let contenders = withBase([
            .peer("Redis, synced always", goal: 0.9) { _ in
                try await databases.redis(connections: 1, inFlight: 1, content: content, count: 3000).p50
            },
            .limit("socket, write and fdatasync") { _ in
                try socket(content) + disk.times(bytes: 4096, count: 1000).medianMicroseconds
            },
            .limit("the same, in a file that grows") { _ in
                try socket(content) + DiskLimit.growing(in: folder, bytes: 4096, count: 1000).medianMicroseconds
            },
        ]) { daemon, round in
            try Single(daemon.socket, corpus: .receipt, isKept: true).times("one-\(Self.run)-\(round)", count: 3000)
                .medianMicroseconds
        }
        return try await Comparison(
            goal: "P2", title: "one durable ingest after the other, receipt of \(content.utf8.count) B, p50", unit: "µs",
            better: .less, contenders: contenders
        ).run()
    }

    private func socket(_ content: String) throws -> Double {
        try PingPong.times(there: content.utf8.count + 200, back: 40, count: 3000).medianMicroseconds
    }

    /// Throughput and latency against what is in flight.
    private func depths() async throws -> Curve {
        let content = Corpus.receipt.typical
        var rows: [[Double]] = []
        for depth in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
            let count = min(400_000, 8000 * depth)
            var (ours, theirs): ([Load.Figures], [(rate: Double, p50: Double)]) = ([], [])
            for round in 0..<3 {
                ours.append(
                    try await Self.load(daemon, "depth-\(depth)-\(round)") {
                        $0.inFlight = depth
                        $0.count = count
                    })
                theirs.append(
                    try await databases.redis(connections: 4, inFlight: depth, content: content, count: min(60_000, 2000 * depth))
                )
            }
            rows.append([
                Double(4 * depth), ours.map(\.rate).median, ours.map(\.p50).median, ours.map(\.p99).median,
                theirs.map(\.rate).median, theirs.map(\.p50).median,
            ])
        }
        return Curve(
            goal: "ingest", name: "in-flight", title: "receipts against what is in flight on 4 connections",
            columns: ["in flight", "messages/s", "p50 µs", "p99 µs", "Redis messages/s", "Redis p50 µs"], rows: rows)
    }

    /// At fixed rates, whatever is answered, told from when each was to be sent.
    private static func latencies(_ daemon: BenchDaemon) async throws -> Curve {
        var rows: [[Double]] = []
        for rate in [1000.0, 5000, 20_000, 50_000, 100_000, 150_000] {
            var rounds: [Load.Figures] = []
            for round in 0..<3 {
                rounds.append(
                    try await load(daemon, "rate-\(Int(rate))-\(round)") {
                        $0.rate = rate
                        $0.count = Int(rate * 3)
                    })
            }
            rows.append(
                [rate]
                    + [\.rate, \.p50, \.p99, \.p999, \.worst].map { (path: KeyPath<Load.Figures, Double>) in
                        rounds.map { $0[keyPath: path] }.median
                    })
        }
        return Curve(
            goal: "ingest", name: "latency", title: "receipts sent at a fixed rate on 4 connections, 3 s each",
            columns: ["asked/s", "answered/s", "p50 µs", "p99 µs", "p99.9 µs", "max µs"], rows: rows)
    }
}
