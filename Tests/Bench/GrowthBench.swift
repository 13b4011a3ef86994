import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage
import TestSupport

/// What a dataset costs as it grows: the rate of ingesting, memory, looking things up with the reads of files that it takes, and a start after
/// the daemon was killed.
enum GrowthBench {
    /// - Parameters:
    ///   - millions: records in all.
    ///   - bytes: of each one's text.
    static func run(_ programs: FilePath, millions: Int, bytes: Int) async throws {
        try await withTemporaryFolder { folder in
            try await BenchDaemon.with(programs: programs, in: folder, ending: .kill) { daemon in
                try await grow(daemon, millions: millions, bytes: bytes)
                try await lookUp(daemon, millions: millions)
            }
            let size = try delivered(folder.appending("data").appending("datasets"))
            for kind in ["after it was killed", "again"] {
                let start = ContinuousClock.now
                try await BenchDaemon.with(programs: programs, in: folder, isPrepared: false) { daemon in
                    let serving = ContinuousClock.now - start
                    let client = try await BenchDaemon.connect(daemon.socket)
                    let message = try BenchDaemon.message("start-\(kind.count)", configuration: "kept", bytes: 100)
                    _ = try await client.ingest(message)
                    let first = ContinuousClock.now - start
                    print(
                        "P7  a start \(kind) with \(size >> 20) MiB: serves after \(serving.microseconds / 1000) ms, first record stored after \(first.microseconds / 1000) ms, \(Int(daemon.memory.now)) MiB (goal: 1000 ms with 10 GB)"
                    )
                    await client.close()
                }
            }
        }
    }

    private static func delivered(_ folder: FilePath) throws -> UInt64 {
        try FileManager.default.subpathsOfDirectory(atPath: folder.string).reduce(0) { sum, path in
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.appending(path).string)
            return sum + (attributes[.type] as? FileAttributeType == .typeRegular ? (attributes[.size] as? UInt64 ?? 0) : 0)
        }
    }

    private static func grow(_ daemon: BenchDaemon, millions: Int, bytes: Int) async throws {
        var rates: [Double] = []
        for million in 0..<millions {
            let figures = try await IngestBench.load(daemon, "g\(million)") {
                $0.count = 1_000_000
                $0.bytes = bytes
            }
            rates.append(figures.rate)
            if million == 0 { print("P8  resident memory after 1 M records: \(Int(daemon.memory.now)) MiB (goal: 64 idle)") }
        }
        print(
            "P10 messages a second, million by million, \(bytes) bytes: \(rates.map { String(Int($0)) }.joined(separator: " "))")
        let (first, last) = (rates.prefix(5).sorted(), rates.suffix(5).sorted())
        print(
            "    median of the last five is \(Int(last[last.count / 2] / first[first.count / 2] * 100)) % of that of the first five (goal: no slope)"
        )
        let memory = daemon.memory
        print("    resident memory with \(millions) M records: \(Int(memory.now)) MiB, at most \(Int(memory.peak)) MiB")
    }

    private static func lookUp(_ daemon: BenchDaemon, millions: Int) async throws {
        let client = try await BenchDaemon.connect(daemon.socket)
        try await client.grant(.auditor, to: .user(geteuid()))
        var generator = SystemRandomNumberGenerator()
        let perConnection = 1_000_000 / 4
        for kind in ["get of a random id", "query of a random recipient"] {
            var latencies = Latencies()
            let before = daemon.fileReads
            let count = 1000
            for _ in 0..<count {
                let (million, connection) = (
                    Int.random(in: 0..<millions, using: &generator), Int.random(in: 0..<4, using: &generator)
                )
                let digits = String(Int.random(in: 0..<perConnection, using: &generator))
                func padded(_ zeros: Int) -> String { String(repeating: "0", count: zeros - digits.count) + digits }
                let start = ContinuousClock.now
                var found = 0
                if kind.hasPrefix("get") {
                    found = try await client.records(messageID: "g\(million)-\(connection)-\(padded(10))").count
                } else {
                    var query = RecordQuery()
                    query.recipient = "+1\(connection)\(padded(10))"
                    try await client.records(matching: query, limit: Limits.recordsQueried) { _ in found += 1 }
                }
                latencies.all.append(.now - start)
                guard found == (kind.hasPrefix("get") ? 1 : millions) else {
                    throw Status(.internal, "\(found) found by \(kind)")
                }
            }
            // The audit's events are written to files, and read by none.
            let reads = Double(daemon.fileReads - before) / Double(count)
            print(
                "    \(kind) among \(millions) M: p50 \(latencies.quantile(0.5).microseconds) us, p99 \(latencies.quantile(0.99).microseconds) us, \(reads) reads of files"
            )
        }
        await client.close()
    }
}
