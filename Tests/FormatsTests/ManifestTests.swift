import Audit
import Formats
import Foundation
import Model
import TestSupport
import Testing

/// What manifests say, and what is found wrong with them.
@Suite struct ManifestTests {
    private static let key = SigningKey.random()

    /// A manifest of a window: its files and what is absent, as ranges of sequences.
    private func manifest(
        _ run: String, _ window: ClosedRange<UInt64>, files: [ClosedRange<UInt64>],
        absent: [(ClosedRange<UInt64>, String)] = [], previous: Manifest.Previous? = nil
    ) -> Manifest {
        let exported = files.reduce(0 as UInt64) { $0 + UInt64($1.count) }
        let skipped = absent.filter { $0.1 != "void" }.reduce(0 as UInt64) { $0 + UInt64($1.0.count) }
        return Manifest(
            flowRunId: run, trigger: "SCHEDULED", isChained: true, scheduledTime: "2026-11-23T12:00:00.000Z", organization: "o",
            sandbox: .init(id: "s", name: "prod"), epoch: 1, dataflow: .init(id: "f", name: "f"),
            destination: .init(id: "d", name: "d"), format: "json", compression: "none", includesRaw: false,
            window: .init(afterSequence: window.lowerBound - 1, throughSequence: window.upperBound, since: nil, until: nil),
            records: .init(received: exported + skipped, exported: exported, skipped: skipped),
            exportResults: files.enumerated().map { number, sequences in
                Manifest.File(
                    sinkPath: "", name: "part-\(number)", size: 1, records: UInt64(sequences.count),
                    firstSequence: sequences.lowerBound, lastSequence: sequences.upperBound, firstIngestedAt: "",
                    lastIngestedAt: "",
                    sha256: "00")
            },
            absent: absent.map {
                .init(firstSequence: $0.0.lowerBound, lastSequence: $0.0.upperBound, reason: $0.1)
            }, previous: previous, audit: nil, writer: "w", signingKey: "k")
    }

    private func found(_ manifest: Manifest) throws -> ManifestCheck.Found {
        let file = SignedManifest.file(manifest, sign: Self.key.signature(of:))
        return .init(place: manifest.flowRunId, signed: try SignedManifest(file: file), sha256: "hash of \(manifest.flowRunId)")
    }

    @Test func `a manifest that accounts for its window is good`() {
        let good = manifest("r", 1...20, files: [1...5, 8...15], absent: [(6...7, "expired"), (16...20, "void")])
        #expect(ManifestCheck.problems(of: good) == [])
        #expect(ManifestCheck.problems(of: manifest("r", 1...2, files: [], absent: [(1...2, "erased")])) == [])
    }

    @Test func `whatever does not add up is named`() throws {
        let good = manifest("r", 1...20, files: [1...5, 8...15], absent: [(6...7, "expired"), (16...20, "void")])
        func problems(_ edit: (inout [String: Any]) -> Void) throws -> [String] {
            var json = try #require(
                try JSONSerialization.jsonObject(with: JSONEncoder().encode(good)) as? [String: Any])
            edit(&json)
            let edited = try JSONDecoder().decode(Manifest.self, from: JSONSerialization.data(withJSONObject: json))
            return ManifestCheck.problems(of: edited)
        }
        func file(_ number: Int, _ key: String, _ value: Int, _ json: inout [String: Any]) {
            var files = json["exportResults"] as? [[String: Any]] ?? []
            files[number][key] = value
            json["exportResults"] = files
        }
        #expect(try problems { _ in } == [])
        #expect(try problems { $0["window"] = ["afterSequence": 21, "throughSequence": 20] }.count == 1)
        #expect(try problems { $0["window"] = ["afterSequence": 0, "throughSequence": 21] }.count == 1)
        #expect(try problems { $0["records"] = ["received": 15, "exported": 13, "skipped": 1] }.count == 2)
        #expect(try problems { $0["absent"] = [] }.count == 2)
        #expect(try problems { $0["absent"] = [["firstSequence": 19, "lastSequence": 21, "reason": "void"]] }.count >= 1)
        let all: [String: Any] = ["firstSequence": 1, "lastSequence": UInt64.max, "reason": "expired"]
        let absurd = try problems { json in
            json["window"] = ["afterSequence": 0, "throughSequence": UInt64.max]
            json["absent"] = [all, all]
        }
        #expect(absurd.count == 1, "numbers that no count holds are refused, not added up")
        #expect(try problems { file(0, "records", 4, &$0) }.count == 2)
        #expect(try problems { file(0, "records", 0, &$0) }.count == 3)
        #expect(try problems { file(1, "firstSequence", 5, &$0) }.count == 1, "two files claim a sequence")
        #expect(try problems { file(1, "lastSequence", 21, &$0) }.count == 1)
        #expect(try problems { file(1, "lastSequence", 7, &$0) }.count == 1)
    }

    @Test func `between manifests gaps, repeats, changed and missing ones are named`() throws {
        let first = try found(manifest("a", 1...5, files: [1...5]))
        let second = try found(manifest("b", 6...9, files: [6...9], previous: .init(flowRunId: "a", sha256: first.sha256)))
        let third = try found(manifest("c", 10...12, files: [10...12], previous: .init(flowRunId: "b", sha256: second.sha256)))
        #expect(ManifestCheck.problems(between: [third, first, second]).isEmpty, "in any order")
        #expect(ManifestCheck.problems(between: [second, third]).count == 1, "the first one is missing")
        #expect(ManifestCheck.problems(between: [first, third]).count == 2, "a gap, and another one before it")
        let repeated = try found(manifest("d", 5...9, files: [5...9], previous: .init(flowRunId: "a", sha256: first.sha256)))
        #expect(ManifestCheck.problems(between: [first, repeated]).count == 1)
        let stranger = try found(manifest("e", 6...9, files: [6...9], previous: .init(flowRunId: "a", sha256: "another")))
        #expect(ManifestCheck.problems(between: [first, stranger]).count == 1)
        let unchained = try found(manifest("f", 6...9, files: [6...9]))
        #expect(ManifestCheck.problems(between: [first, unchained]).count == 1)
    }

    @Test func `runs that had nothing to export follow one another by their hashes, whatever order they are found in`() throws {
        var chain = [try found(manifest("a", 1...5, files: [1...5]))]
        for run in ["z", "m", "b", "y"] {
            let previous = try #require(chain.last)
            var empty = manifest(
                run, 6...6, files: [], previous: .init(flowRunId: previous.manifest.flowRunId, sha256: previous.sha256))
            empty.window = .init(afterSequence: 5, throughSequence: 5)
            chain.append(try found(empty))
        }
        let last = try #require(chain.last)
        let next = manifest("c", 6...9, files: [6...9], previous: .init(flowRunId: last.manifest.flowRunId, sha256: last.sha256))
        chain.append(try found(next))
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let problems = ManifestCheck.problems(between: chain.shuffled(using: &generator))
            #expect(problems.isEmpty, "\(problems) SEED=\(seed)")
        }
        #expect(ManifestCheck.problems(between: Array(chain[..<2] + chain[3...])).count == 1, "one of them is missing")
    }

    @Test func `a signature is of every byte before it, and any change to the file is seen`() throws {
        let file = SignedManifest.file(manifest("r", 1...3, files: [1...3]), sign: Self.key.signature(of:))
        #expect(try JSONSerialization.jsonObject(with: Data(file)) is [String: Any], "any reader of JSON reads it")
        func isGood(_ file: [UInt8]) -> Bool {
            guard let signed = try? SignedManifest(file: file) else { return false }
            return SigningKey.isValid(signed.signature, of: signed.signed, publicKey: Self.key.publicKey)
        }
        #expect(isGood(file))
        for offset in file.indices {
            var flipped = file
            flipped[offset] ^= 1
            // A digit of the signature may be written small or large.
            #expect(!isGood(flipped), "byte \(offset)")
        }
        for length in file.indices { #expect(!isGood(Array(file.prefix(length))), "cut to \(length)") }
        #expect(!isGood(file + [10]))
        #expect(!isGood([UInt8(ascii: " ")] + file))
    }

    @Test func `garbage is no manifest`() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let bytes = generator.bytes(Int.random(in: 0...400, using: &generator))
            #expect(throws: Status.self, "SEED=\(seed)") { try SignedManifest(file: bytes) }
        }
        let end = Array((#","signature":""# + String(repeating: "0", count: 128) + "\"}\n").utf8)
        for head in ["", "{", "[]", #"{"a":1"#, #"{"flowRunId":"r""#] {
            #expect(throws: Status.self) { try SignedManifest(file: Array(head.utf8) + end) }
        }
    }
}
