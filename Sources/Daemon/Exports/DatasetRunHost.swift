import Audit
import Catalog
import Dataset
import Exporter
import Formats
import Foundation
import Model

/// What a run needs of the daemon: the sandbox's dataset, and its ledger in the catalog.
struct DatasetRunHost: RunHost {
    let run: Run
    let sandbox: Sandbox
    let store: RecordStore
    let catalog: CatalogStore
    let board: RunBoard

    func records(after: UInt64, through: UInt64) throws -> [Record]? {
        try store.nextRecords(after: after, through: through)?.map { try Record($0, sandbox: sandbox.name) }
    }

    func absences(in ranges: [ClosedRange<UInt64>]) throws -> [Manifest.Absent] {
        guard let first = ranges.first, let last = ranges.last else { return [] }
        let destroyed = try catalog.expiredRanges(sandboxID: sandbox.id, in: first.lowerBound...last.upperBound)
        let restored = try catalog.restoredThrough(sandboxID: sandbox.id)
        return try store.absences(in: ranges, destroyed: destroyed, restored: restored).map {
            Manifest.Absent(
                firstSequence: $0.sequences.lowerBound, lastSequence: $0.sequences.upperBound, reason: $0.reason.rawValue)
        }
    }

    func beginPart(_ number: Int, named name: String) throws {
        try catalog.beginPart(number, named: name, of: run.id)
    }

    func endPart(_ number: Int, _ part: DeliveredPart) throws {
        try catalog.endPart(
            number, lastSequence: part.file.lastSequence, document: Array(JSONEncoder().encode(part)), of: run.id)
    }

    func noteManifest(_ document: [UInt8], named name: String) throws {
        try catalog.noteManifest(document, named: name, of: run.id)
    }

    func auditHead() throws -> Manifest.AuditAnchor? {
        try catalog.auditHeadNow(sandbox.id).map { Manifest.AuditAnchor(number: $0.number, hash: hexadecimal($0.hash)) }
    }

    func sign(_ bytes: [UInt8]) -> [UInt8] { catalog.signature(of: bytes) }

    func progress(_ totals: Run.Totals) { board.note(totals, of: run.id) }

    var stop: RunStop? { board.stop(of: run.id) }
}

extension Export {
    /// An attempt as the catalog has it.
    init(_ order: RunOrder, organization: String, publicKey: [UInt8], sandbox: Sandbox) {
        self.init(
            run: order.run, dataflow: order.dataflow, destination: order.destination,
            context: Context(
                organization: organization, publicKey: publicKey, sandbox: .init(id: sandbox.id, name: sandbox.name),
                epoch: sandbox.epoch,
                previous: order.previous.map { .init(flowRunId: $0.run, sha256: hexadecimal($0.sha256)) }),
            parts: order.parts.map { part in
                // What cannot be read is made again.
                let delivered = part.document.flatMap { try? JSONDecoder().decode(DeliveredPart.self, from: Data($0)) }
                return delivered.map(Part.delivered) ?? .begun(name: part.name)
            }, document: order.document)
    }
}
