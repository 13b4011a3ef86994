import Crypto
import Formats
import Foundation
import Messages
import Model
import Subprocess
import SystemPackage
import TestSupport

/// Instructions that a message takes, as callgrind counts them: the same on a machine of any mood. Of two runs that differ only in how many
/// messages there are, the difference: what a start takes is not in it.
enum CountBench {
    private static let (few, many) = (2000, 6000)

    static func run(_ programs: FilePath, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            // Valgrind does not read the debugging information of Swift's compiler.
            for name in ["msgexportd", "Bench"] {
                let stripped = try await Programs.run(
                    "/usr/bin/strip", ["--strip-debug", "-o", folder.appending(name).string, programs.appending(name).string])
                guard stripped.code == 0 else { throw Status(.internal, stripped.errors) }
            }
            let preloaded = try await Programs.run(
                "/usr/bin/cc",
                [
                    "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", folder.appending("main_queue.so").string,
                    Programs.repository.appending("Tests/Bench/Peers/main_queue.c").string,
                ])
            guard preloaded.code == 0 else { throw Status(.internal, preloaded.errors) }
            try await ingest(folder, results)
            try await encoders(folder, results)
        }
    }

    private static func ingest(_ programs: FilePath, _ results: Results) async throws {
        for (title, corpus, isKept) in [
            ("durable ingest, receipt", Corpus.receipt, true), ("durable ingest, text message", .sms, true),
            ("ingest to a configuration that is off, receipt", .receipt, false),
        ] {
            try await add(title, results) { count in
                try await withTemporaryFolder { folder in
                    let out = folder.appending("out")
                    try await BenchDaemon.with(programs: programs, in: folder, under: callgrind(out, programs)) { daemon in
                        _ = try await Load.run(
                            Load.Order(socket: daemon.socket, name: "count") {
                                ($0.connections, $0.corpus, $0.count, $0.isKept) = (1, corpus, count, isKept)
                            })
                    }
                    return try total(out)
                }
            }
        }
    }

    private static func encoders(_ programs: FilePath, _ results: Results) async throws {
        for (format, compression) in [
            (Format.json, Compression.none), (.json, .gzip), (.parquet, .none), (.parquet, .snappy), (.parquet, .zstd),
        ] {
            try await add("export of a newsletter, \(format.rawValue) \(compression.rawValue)", results) { count in
                try await withTemporaryFolder { folder in
                    let out = folder.appending("out")
                    let command =
                        callgrind(out, programs) + [
                            programs.appending("Bench").string, "encode", format.rawValue, compression.rawValue, "\(count / 10)",
                        ]
                    let ended = try await Programs.run(FilePath(command[0]), Array(command.dropFirst()))
                    guard ended.code == 0 else { throw Status(.internal, ended.errors) }
                    return try total(out) * 10
                }
            }
        }
    }

    private static func add(_ title: String, _ results: Results, _ count: (Int) async throws -> Double) async throws {
        let each = (try await count(many) - count(few)) / Double(many - few)
        try results.add(Figure(goal: "count", title: title, unit: "instructions", better: .less, ours: [each.rounded()]))
    }

    private static func callgrind(_ out: FilePath, _ programs: FilePath) -> [String] {
        [
            "/usr/bin/env", "LD_PRELOAD=\(programs.appending("main_queue.so").string)", "/usr/bin/valgrind", "--tool=callgrind",
            "--quiet", "--callgrind-out-file=\(out.string)",
        ]
    }

    /// All of one run.
    private static func total(_ out: FilePath) throws -> Double {
        let lines = try String(contentsOfFile: out.string, encoding: .utf8).split(separator: "\n")
        let line = lines.first { $0.hasPrefix("summary:") || $0.hasPrefix("totals:") }
        guard let total = line?.split(separator: " ").last.flatMap({ Double($0) }) else {
            throw Status(.internal, "callgrind counted nothing")
        }
        return total
    }

    /// Bench encode FORMAT COMPRESSION COUNT: makes a file of so many records.
    static func encode(_ format: String, _ compression: String, _ count: Int) throws {
        guard let format = Format(rawValue: format), let compression = Compression(rawValue: compression) else {
            throw Status(.invalidArgument, "there is no format \(format) with \(compression)")
        }
        var file = RowFile(format: format, compression: compression, includesRaw: false, metadata: [])
        var bytes = 0
        for number in 0..<count {
            let message = Message(
                id: try MessageID("m\(number)"), configuration: "news",
                content: Corpus.newsletter.content(number % 64, recipient: "r\(number)@example.com"))
            let time = Instant(milliseconds: 1_795_435_200_000 + Int64(number))
            bytes +=
                file.append(
                    Record(
                        message: message, sequence: UInt64(number) + 1, ingestedAt: time, expiresAt: time, sentAt: time,
                        sandbox: "prod",
                        configurationID: "c", configurationVersion: 1, contentSHA256: [UInt8](repeating: 7, count: 32),
                        submitter: 1000)
                ).count
        }
        bytes += file.finish().count
        guard bytes > 0 || count == 0 else { throw Status(.internal, "nothing was written") }
    }
}
