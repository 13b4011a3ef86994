package import Formats
package import Model

/// Why a run is to stop before its end.
package enum RunStop: Hashable, Sendable {
    /// The daemon stops: the run goes on with the next one.
    case daemon
    /// Somebody cancelled it.
    case cancelled
}

/// A data file that a run delivered, and the sequences that it found absent on the way: from the end of the file before to this one's.
package struct DeliveredPart: Hashable, Sendable, Codable {
    /// As the manifest tells of it.
    package let file: Manifest.File
    /// In their order.
    package let absent: [Manifest.Absent]

    package init(file: Manifest.File, absent: [Manifest.Absent]) {
        self.file = file
        self.absent = absent
    }
}

/// What a run needs of its surroundings: the records of its dataset, its ledger, and word of what goes on. All of it blocks.
package protocol RunHost: Sendable {
    /// Records after a sequence, some at a time; nil: there are no more.
    func records(after: UInt64, through: UInt64) throws -> [Record]?

    /// Why there are no records of these sequences: all of each range, in their order.
    func absences(in ranges: [ClosedRange<UInt64>]) throws -> [Manifest.Absent]

    /// Notes that a name is about to be taken at the destination. Durable when it returns.
    func beginPart(_ number: Int, named name: String) throws

    /// Notes that a file is at the destination, whole. Durable when it returns.
    func endPart(_ number: Int, _ part: DeliveredPart) throws

    /// Notes the manifest that is about to be delivered, and that its name is the run's. Durable when it returns.
    func noteManifest(_ document: [UInt8], named name: String) throws

    /// The head of the sandbox's audit.
    func auditHead() throws -> Manifest.AuditAnchor?

    /// Ed25519 by the organization's signing key.
    func sign(_ bytes: [UInt8]) -> [UInt8]

    /// Tells how far it is.
    func progress(_ totals: Run.Totals)

    /// Asked between batches.
    var stop: RunStop? { get }
}
