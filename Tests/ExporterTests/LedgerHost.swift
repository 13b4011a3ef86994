import Destinations
import Disk
import Exporter
import Formats
import Foundation
import Model
import TestSupport
import Synchronization

/// A dataset of small records, and a ledger in memory: what a run finds after a stop.
final class LedgerHost: RunHost {
    private struct State {
        var parts: [Int: Export.Part] = [:]
        var document: [UInt8]?
        var manifest: String?
        var stops: [Int: RunStop] = [:]
        var asked = 0
        var begun: [String] = []
        var ended: [String] = []
    }

    struct Damaged: Error {}

    private let state = Mutex(State())
    /// Sequences of which there is a record.
    let sequences: [UInt64]
    let damagedAfter: UInt64
    /// Characters of each record's text.
    private let size: Int
    /// Whether the texts cannot be compressed much.
    private let isRandom: Bool

    /// - Parameters:
    ///   - absent: sequences of which there is no record.
    ///   - damagedAfter: what comes after cannot be read.
    init(_ last: UInt64, absent: Set<UInt64> = [], damagedAfter: UInt64 = .max, size: Int = 10, isRandom: Bool = false) {
        self.isRandom = isRandom
        sequences = last == 0 ? [] : (1...last).filter { !absent.contains($0) }
        self.damagedAfter = damagedAfter
        self.size = size
    }

    static let time = Instant(milliseconds: 1_795_435_200_000)

    func record(_ sequence: UInt64) throws -> Record {
        var text = String(repeating: "x", count: size)
        if isRandom {
            var generator = SeededGenerator(seed: sequence)
            text = Data(generator.bytes(size * 3 / 4)).base64EncodedString()
        }
        let sms = Sms(senderNumbers: ["1"], recipientNumber: "2", text: "\(sequence) \(text)")
        return Record(
            message: Message(id: try MessageID("m\(sequence)"), configuration: "c", content: .sms(sms)), sequence: sequence,
            ingestedAt: Self.time, expiresAt: Self.time, sentAt: Self.time, sandbox: "prod", configurationID: "c",
            configurationVersion: 1, contentSHA256: [], submitter: 0)
    }

    /// In batches of three.
    func records(after: UInt64, through: UInt64) throws -> [Record]? {
        guard after < damagedAfter else { throw Damaged() }
        let next = sequences.filter { $0 > after && $0 <= through }.prefix(3)
        return next.isEmpty ? nil : try next.map(record)
    }

    func absences(in ranges: [ClosedRange<UInt64>]) throws -> [Manifest.Absent] {
        ranges.map { .init(firstSequence: $0.lowerBound, lastSequence: $0.upperBound, reason: "expired") }
    }

    func beginPart(_ number: Int, named name: String) throws {
        state.withLock { state in
            state.parts[number] = .begun(name: name)
            state.begun.append(name)
        }
    }

    func endPart(_ number: Int, _ part: DeliveredPart) throws {
        state.withLock { state in
            state.parts[number] = .delivered(part)
            state.ended.append(part.file.name)
        }
    }

    func noteManifest(_ document: [UInt8], named name: String) throws {
        state.withLock { state in (state.document, state.manifest) = (document, name) }
    }

    func auditHead() throws -> Manifest.AuditAnchor? { .init(number: 7, hash: "00") }

    func sign(_ bytes: [UInt8]) -> [UInt8] { [UInt8](repeating: UInt8(bytes.count & 255), count: 64) }

    func progress(_ totals: Run.Totals) {}

    var stop: RunStop? {
        state.withLock { state in
            state.asked += 1
            return state.stops[state.asked]
        }
    }

    /// Stops the run when it asks for the time of that number.
    func stop(at time: Int, _ stop: RunStop) { state.withLock { $0.stops[time] = stop } }

    /// Names of what was delivered, in order.
    var ended: [String] { state.withLock { $0.ended } }

    /// Names that were noted, in order.
    var begun: [String] { state.withLock { $0.begun } }

    /// The next attempt of the run: with what is in the ledger.
    func export(
        through: UInt64 = 10, format: Format = .json, compression: Compression = .none, fileSizeLimit: UInt64 = 1 << 30
    ) -> Export {
        let run = Run(
            id: "run-1", dataflow: "f", destination: "d", trigger: .scheduled, after: 0, through: through, startedAt: Self.time,
            folder: "message-export-prod/exportTime=202611231200", manifest: state.withLock { $0.manifest })
        let (parts, document) = state.withLock { state in
            (state.parts.sorted { $0.key < $1.key }.map(\.value), state.document)
        }
        return Export(
            run: run,
            dataflow: Dataflow(
                id: "f-1", name: "f", format: format,
                settings: DataflowSettings(destination: "d", compression: compression, fileSizeLimit: fileSizeLimit),
                createdAt: Self.time),
            destination: Destination(id: "d-1", name: "d", settings: .local(path: "/out"), createdAt: Self.time),
            context: .init(
                organization: "o", publicKey: [1], sandbox: .init(id: "s-1", name: "prod"), epoch: 1, previous: nil),
            parts: parts, document: document)
    }
}

extension Files {
    /// The destination of `LedgerHost.export`, among these files.
    var out: LocalFolder {
        get throws { try LocalFolder(path: "/out", files: self) }
    }
}
