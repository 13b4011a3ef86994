import Formats
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

/// What pyarrow, DuckDB and polars read in the files that are written here.
@Suite struct ParquetTests {
    static let python = Programs.repository.appending(".build/python/bin/python")
    static let readers = Programs.repository.appending("Tests/FormatsTests/readers.py").string

    static func record(_ message: Message, _ sequence: UInt64) -> Record {
        Record(
            message: message, sequence: sequence, ingestedAt: Instant(milliseconds: 1_795_435_200_123 + Int64(sequence)),
            expiresAt: Instant(milliseconds: 1_795_737_600_000), sentAt: message.sentAt ?? Instant(milliseconds: -1),
            sandbox: "prod", configurationID: "c-1", configurationVersion: 2, contentSHA256: [0xAB, UInt8(sequence & 255)],
            submitter: 1000)
    }

    static func minimal(_ id: String) throws -> Message {
        Message(id: try MessageID(id), configuration: "c", content: .email(Email()))
    }

    static func text(_ id: String, _ body: String) throws -> Message {
        Message(
            id: try MessageID(id), configuration: "c",
            content: .sms(Sms(senderNumbers: [], recipientNumber: "+1", text: body, title: body)))
    }

    /// A file of these records.
    static func file(_ records: [Record], _ format: Format, _ compression: Compression, raw: Bool) -> [UInt8] {
        var file = RowFile(
            format: format, compression: compression, includesRaw: raw, metadata: [("dataset", "d"), ("writer", "test")])
        var bytes: [UInt8] = []
        for record in records { bytes += file.append(record) }
        return bytes + file.finish()
    }

    /// The three readers find in Parquet what the JSON lines of the same records say.
    private func readersAgree(_ records: [Record], _ compression: Compression, raw: Bool = true) async throws {
        try await withTemporaryFolder { folder in
            let (parquet, json) = (folder.appending("f.parquet").string, folder.appending("f.ndjson").string)
            try Data(Self.file(records, .parquet, compression, raw: raw)).write(to: URL(filePath: parquet))
            try Data(Self.file(records, .json, .none, raw: raw)).write(to: URL(filePath: json))
            let ended = try await Programs.run(Self.python, [Self.readers, "rows", parquet, json])
            #expect(ended.code == 0, "\(compression): \(ended.output) \(ended.errors)")
        }
    }

    @Test(arguments: Compression.allCases)
    func `each reader finds every member of every record, however the file is compressed`(_ compression: Compression) async throws
    {
        let records = [
            Self.record(try .emailWithEveryField(), 1), Self.record(try .smsWithEveryField(), 2),
            Self.record(try Self.minimal("m-3"), 3), Self.record(try Self.text("m-4", ""), 4),
            Self.record(try .emailWithEveryField(id: "again"), 5),
        ]
        try await readersAgree(records, compression)
        try await readersAgree(records, compression, raw: false)
    }

    @Test func `each reader reads a file without rows, of one row, and of rows that lack all that is optional`() async throws {
        try await readersAgree([], .zstd)
        try await readersAgree([Self.record(try .emailWithEveryField(), 1)], .zstd)
        try await readersAgree(try (1...100).map { Self.record(try Self.minimal("m-\($0)"), $0) }, .snappy)
    }

    @Test func `each reader reads text of every Unicode plane, and controls`() async throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let records = try (0...16).flatMap { plane -> [Record] in
            try (0..<20).map { number in
                let scalars = (0..<40).compactMap { _ in
                    Unicode.Scalar(UInt32(plane) << 16 | UInt32.random(in: 0...0xFFFF, using: &generator))
                }
                let text = String(String.UnicodeScalarView(scalars))
                return Self.record(try Self.text("m-\(plane)-\(number)", "\u{0}" + text), UInt64(plane * 20 + number + 1))
            }
        }
        try await readersAgree(records, .zstd)
    }

    @Test func `each reader reads bodies of 10 MiB, and what comes after them`() async throws {
        var generator = SeededGenerator(seed: testSeed())
        let large = generator.bytes(5 << 20).map { String(UInt16($0) + 256, radix: 16) }.joined().prefix(10 << 20)
        let records = try (1...9).map { number in
            Self.record(try Self.text("m-\(number)", number % 3 == 0 ? String(large) : "small"), UInt64(number))
        }
        try await readersAgree(records, .snappy)
    }

    @Test func `each reader reads lists and maps of any length, and values that come again or not`() async throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let records = try (1...3000).map { number in
            var message = try Message.emailWithEveryField(id: "m-\(number)")
            guard case .email(var email) = message.content else { return Self.record(message, UInt64(number)) }
            func some() -> Int { Int.random(in: 0...4, using: &generator) }
            email.to = (0..<some()).map { Address(email: "a\($0)@\(number % 7)", name: $0 == 1 ? nil : "n") }
            email.cc = (0..<some()).map { Address(email: "c\($0)") }
            email.headers = (0..<some()).map { Header(name: "X-\($0)", value: String(repeating: "v", count: number % 90)) }
            email.attachments = Array(email.attachments.prefix(some()))
            email.html = some() == 0 ? nil : "<p>\(number)</p>"
            email.subject = some() == 0 ? nil : "subject \(number % 3)"
            message.content = .email(email)
            message.execution.metadata = Dictionary(
                (0..<some()).map { ("k\($0)", "v\(number % 5)") }, uniquingKeysWith: { first, _ in first })
            message.profile.isTestExecution = [true, false, nil][number % 3]
            message.identities = (0..<some()).map { Identity(namespace: "n\($0 % 2)", id: "\(number)") }
            return Self.record(message, UInt64(number))
        }
        try await readersAgree(records, .gzip, raw: false)
    }

    @Test func `the schema is the one that was released`() async throws {
        try await withTemporaryFolder { folder in
            let parquet = folder.appending("f.parquet").string
            let records = [Self.record(try .emailWithEveryField(), 1)]
            try Data(Self.file(records, .parquet, .zstd, raw: true)).write(to: URL(filePath: parquet))
            let ended = try await Programs.run(Self.python, [Self.readers, "schema", parquet])
            let vector = Programs.repository.appending("Tests/Vectors/schema.txt").string
            // The first line names an object of the reader.
            let found = ended.output.split(separator: "\n").dropFirst().joined(separator: "\n") + "\n"
            if ProcessInfo.processInfo.environment["UPDATE_SCHEMA"] != nil {
                try found.write(toFile: vector, atomically: true, encoding: .utf8)
            }
            #expect(
                try String(contentsOfFile: vector, encoding: .utf8) == found,
                "readers depend on it; if that is what you decided: UPDATE_SCHEMA=1, and say so in CHANGELOG.md")
        }
    }

    @Test func `the same rows give the same bytes`() throws {
        let records = try (1...2000).map { Self.record(try .emailWithEveryField(id: "m-\($0)"), UInt64($0)) }
        for format in Format.allCases {
            for compression in Compression.allCases where format.allows(compression) {
                let first = Self.file(records, format, compression, raw: true)
                #expect(first == Self.file(records, format, compression, raw: true), "\(format) \(compression)")
            }
        }
    }

    @Test func `DuckDB and jq read JSON lines, compressed or not`() async throws {
        let records =
            try (1...20_000).map { Self.record(try Self.text("m-\($0)", "text \($0) \u{0} 🦷"), UInt64($0)) }
            + [Self.record(try .emailWithEveryField(), 20_001)]
        try await withTemporaryFolder { folder in
            let plain = folder.appending("f.ndjson").string
            try Data(Self.file(records, .json, .none, raw: true)).write(to: URL(filePath: plain))
            let packed = folder.appending("f.json.gz").string
            try Data(Self.file(records, .json, .gzip, raw: true)).write(to: URL(filePath: packed))
            for file in [plain, packed] {
                let ended = try await Programs.run(Self.python, [Self.readers, "json", file, plain])
                #expect(ended.code == 0, "\(ended.output) \(ended.errors)")
            }
            let sum = try await Programs.run(
                "/bin/sh", ["-c", "gzip -dc '\(packed)' | jq -n '[inputs.messageExport.sequence] | add'"])
            #expect(sum.output.trimmingCharacters(in: .whitespacesAndNewlines) == "\(20_001 * 20_002 / 2)")
        }
    }

    @Test func `each reader reads many rows, in several row groups`() async throws {
        // In part by default: a million take three minutes where nothing is optimized.
        let count = UInt64(ProcessInfo.processInfo.environment["ROWS"] ?? "") ?? 30_000
        try await withTemporaryFolder { folder in
            let path = folder.appending("f.parquet").string
            try Data().write(to: URL(filePath: path))
            let output = try #require(FileHandle(forWritingAtPath: path))
            var file = RowFile(format: .parquet, compression: .zstd, includesRaw: false, metadata: [])
            var largest = 0
            for number in 1...count {
                let text = try Self.text("message-\(number)", "Your code is \(number &* 7919 % 1_000_000)")
                let bytes = file.append(Self.record(text, number))
                largest = max(largest, bytes.count)
                try output.write(contentsOf: bytes)
            }
            try output.write(contentsOf: file.finish())
            try output.close()
            let ended = try await Programs.run(Self.python, [Self.readers, "sums", path])
            let sums = "\(count) \(count) \(count * (count + 1) / 2) 1 \(count)"
            let late = count > 999_990 ? count - 999_990 : 0
            #expect(ended.output == "duckdb \(sums)\nduckdb \(late)\npyarrow \(sums)\npolars \(sums)\n", "\(ended.errors)")
        }
    }
}
