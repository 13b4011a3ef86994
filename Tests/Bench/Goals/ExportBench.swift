import Foundation
import MessageExportClient
import Model
import Synchronization
import SystemPackage
import TestSupport

/// Exports of newsletters beside DuckDB, which copies from its own file, and pyarrow, which writes from memory; what they take of memory, and of
/// an ingest that goes on meanwhile.
enum ExportBench {
    private static let mails = 40_000

    /// What is compared: our format and compression, and the peers that write the same.
    private struct Work: Sendable {
        let format: Format
        let compression: Compression
        let peers: [(name: String, argument: String, goal: Double?)]
    }

    private static let works = [
        Work(
            format: .parquet, compression: .zstd,
            peers: [("DuckDB COPY", "duckdb-zstd", 2), ("pyarrow, from memory", "pyarrow-zstd", nil)]),
        Work(
            format: .parquet, compression: .snappy,
            peers: [("DuckDB COPY", "duckdb-snappy", 2), ("pyarrow, from memory", "pyarrow-snappy", nil)]),
        Work(format: .json, compression: .gzip, peers: [("DuckDB COPY", "duckdb-json", 5)]),
    ]

    /// When a tenth of the mails had been ingested, and when all had.
    private struct Times: Sendable {
        let tenth: Instant
        let all: Instant
    }

    static func run(_ programs: FilePath, base: FilePath?, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            let content = try writeMails(folder)
            try await peer("load", folder.appending("mails.ndjson").string, folder.string)
            try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                try await BenchDaemon.withBase(base, in: folder) { base in
                    try await Promises.require(daemon, folder)
                    let client = try await BenchDaemon.connect(daemon.socket)
                    let times = try await prepare(client, folder)
                    var other: MessageExportClient?
                    if let base {
                        let client = try await BenchDaemon.connect(base.socket)
                        _ = try await prepare(client, folder.appending("base"))
                        other = client
                    }
                    for number in works.indices { try await compare((client, other), number, content, folder, results) }
                    try await memory(daemon, client, times)
                    try await ingestBeside(daemon, client, times)
                    await client.close()
                    await other?.close()
                }
            }
        }
    }

    private static func name(_ number: Int) -> String { "f\(number)" }

    private static func html(_ number: Int) -> String { Corpus.newsletter.text(number) }

    /// For the peers: a mail a line.
    /// - Returns: bytes of content.
    private static func writeMails(_ folder: FilePath) throws -> Int {
        let path = folder.appending("mails.ndjson").string
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        var bytes = 0
        for number in 0..<mails {
            let html = html(number)
            bytes += html.utf8.count
            let row = ["id": "m\(number)", "recipient": "r\(number)@example.com", "subject": "Your week", "html": html]
            try file.write(contentsOf: JSONSerialization.data(withJSONObject: row) + [10])
        }
        try file.close()
        return bytes
    }

    private static func prepare(_ client: MessageExportClient, _ folder: FilePath) async throws -> Times {
        let archive = folder.appending("archive").string
        try FileManager.default.createDirectory(atPath: archive, withIntermediateDirectories: false)
        _ = try await client.createDestination(name: "archive", settings: .local(path: archive))
        for (number, work) in works.enumerated() {
            _ = try await client.createDataflow(
                name: name(number), format: work.format,
                settings: DataflowSettings(
                    destination: "archive", compression: work.compression, schedule: Schedule(.manual),
                    folder: FolderTemplate("%DATETIME%")))
        }
        try await ingest(0..<mails / 10, client)
        let tenth = now
        try await Task.sleep(for: .milliseconds(20))
        try await ingest(mails / 10..<mails, client)
        return Times(tenth: tenth, all: now)
    }

    private static var now: Instant { Instant(milliseconds: Int64(Date.now.timeIntervalSince1970 * 1000) + 1) }

    static func ingest(_ numbers: Range<Int>, _ client: MessageExportClient) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in 0..<64 {
                group.addTask {
                    for number in stride(from: numbers.lowerBound + lane, to: numbers.upperBound, by: 64) {
                        let mail = Email(
                            from: Address(email: "news@example.com"), to: [Address(email: "r\(number)@example.com")],
                            subject: "Your week", html: html(number))
                        let message = Message(id: try MessageID("m\(number)"), configuration: "mail-kept", content: .email(mail))
                        guard try await client.ingest(message).outcome == .stored else { throw Status(.internal, "not stored") }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @discardableResult
    private static func peer(_ arguments: String...) async throws -> [Double] {
        let python = Programs.repository.appending(".build/python/bin/python")
        let script = Programs.repository.appending("Tests/Bench/Peers/export_peers.py").string
        let ended = try await Programs.run(python, [script] + arguments)
        guard ended.code == 0 else { throw Status(.internal, "\(arguments): \(ended.errors)") }
        return ended.output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }

    /// Exports what was ingested before then, all of it.
    @discardableResult
    private static func export(
        _ client: MessageExportClient, _ dataflow: String, until: Instant? = nil, records: Int = mails
    ) async throws -> (seconds: Double, bytes: UInt64) {
        let start = ContinuousClock.now
        let run = try await client.startRun(dataflow: dataflow, since: Instant(milliseconds: 1), until: until)
        let ended = try await client.waitRun(id: run.id)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        guard ended.state == .success, ended.totals.exported >= records else {
            throw Status(.internal, "not all were exported: \(ended)")
        }
        return (seconds, ended.totals.bytes)
    }

    private static func compare(
        _ daemon: (ours: MessageExportClient, base: MessageExportClient?), _ number: Int, _ content: Int, _ folder: FilePath,
        _ results: Results
    ) async throws {
        let work = works[number]
        @Sendable func rate(_ client: MessageExportClient, _ archive: FilePath) async throws -> Double {
            let seconds = try await export(client, name(number)).seconds
            try remove(in: archive.appending("archive"))
            return Double(content) / seconds / 1e6
        }
        var contenders: [Contender] = [.ours { _ in try await rate(daemon.ours, folder) }]
        if let base = daemon.base {
            contenders.append(.peer("base") { _ in try await rate(base, folder.appending("base")) })
        }
        for peer in work.peers {
            contenders.append(
                .peer(peer.name, goal: peer.goal) { _ in
                    Double(content) / (try await Self.peer(peer.argument, folder.string)[0]) / 1e6
                })
        }
        let mails = (0..<mails / 4).map { Array(html($0).utf8) }
        contenders.append(
            .limit("\(work.compression) alone") { _ in Processor.compress(mails, by: work.compression) / 1e6 })
        contenders.append(
            .limit("decipher, decompress alone") { _ in try Processor.open(mails) / 1e6 })
        try results.add(
            try await Comparison(
                goal: "P5", title: "export of newsletters, \(work.format.rawValue) \(work.compression.rawValue), content",
                unit: "MB/s",
                better: .more, contenders: contenders
            ).run())
    }

    private static func remove(in folder: FilePath) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.string) {
            try FileManager.default.removeItem(atPath: folder.appending(name).string)
        }
    }

    /// Peaks of runs over a tenth of the records and over all of them: that they are the same is what bounded means.
    private static func memory(_ daemon: BenchDaemon, _ client: MessageExportClient, _ times: Times) async throws {
        for (number, work) in works.enumerated() {
            var peaks: [Int] = []
            for (until, records) in [(times.tenth, mails / 10), (times.all, mails)] {
                daemon.resetPeak()
                try await export(client, name(number), until: until, records: records)
                peaks.append(Int(daemon.memory.peak))
            }
            tell(
                "P5  resident at a run's peak, \(work.format.rawValue) \(work.compression.rawValue): \(peaks[0]) MiB for a tenth of the records, \(peaks[1]) MiB for all"
            )
        }
    }

    /// The rate of an ingest alone, and beside runs that follow one another.
    private static func ingestBeside(_ daemon: BenchDaemon, _ client: MessageExportClient, _ times: Times) async throws {
        for (number, work) in works.enumerated() {
            var ratios: [Double] = []
            for round in 0..<3 {
                let alone = try await Load.run(
                    Load.Order(socket: daemon.socket, name: "alone\(number)\(round)") { $0.count = 100_000 }
                ).rate
                let isOver = Atomic(false)
                async let exported: Void = {
                    while !isOver.load(ordering: .relaxed) { try await export(client, name(number), until: times.all) }
                }()
                let beside = try await Load.run(
                    Load.Order(socket: daemon.socket, name: "beside\(number)\(round)") { $0.count = 100_000 }
                ).rate
                isOver.store(true, ordering: .relaxed)
                try await exported
                ratios.append(beside / alone)
            }
            let sorted = ratios.sorted().map { Int(($0 * 100).rounded()) }
            tell(
                "P5  an ingest beside runs, \(work.format.rawValue) \(work.compression.rawValue): \(sorted[1]) % of what it is alone (\(sorted[0]) to \(sorted[2]))"
            )
        }
    }
}
