/// Which records are asked for: those that fulfil all that is given. What is nil is not asked.
public struct RecordQuery: Hashable, Sendable {
    /// An address or a number, however it is written.
    public var recipient: String?
    /// Name of a channel configuration.
    public var configuration: String?
    /// XDM's campaignID.
    public var campaignID: String?
    /// XDM's journeyVersionID.
    public var journeyVersionID: String?
    /// Ingested then or later.
    public var since: Instant?
    /// Ingested before then.
    public var until: Instant?

    /// Asks for all.
    public init() {}

    /// Whether a record is one of those.
    public func matches(_ record: Record) -> Bool {
        let execution = record.message.execution
        return recipient.map(record.message.wasSent) != false
            && (configuration == nil || configuration == record.message.configuration)
            && (campaignID == nil || campaignID == execution.campaignID)
            && (journeyVersionID == nil || journeyVersionID == execution.journeyVersionID)
            && (since.map { $0 <= record.ingestedAt } ?? true) && (until.map { record.ingestedAt < $0 } ?? true)
    }
}

/// What was erased of a recipient's, signed by the organization.
public struct ErasureReceipt: Hashable, Sendable {
    /// What the signature is over: a JSON object.
    public var statement: String
    /// Ed25519, 64 bytes, over the statement's bytes.
    public var signature: [UInt8]
    /// Records that were erased.
    public var records: UInt64
    /// Segments that were rewritten without them.
    public var segments: UInt32
    /// Records with higher sequences came later, and were not looked at.
    public var throughSequence: UInt64

    public init(statement: String, signature: [UInt8], records: UInt64, segments: UInt32, throughSequence: UInt64) {
        self.statement = statement
        self.signature = signature
        self.records = records
        self.segments = segments
        self.throughSequence = throughSequence
    }
}

/// What compressing a dataset did.
public struct CompactReport: Hashable, Sendable {
    /// How many segments were made.
    public var segments: UInt32
    /// Bytes of the data files before it.
    public var bytesBefore: UInt64
    /// And after it.
    public var bytesAfter: UInt64

    public init(segments: UInt32, bytesBefore: UInt64, bytesAfter: UInt64) {
        self.segments = segments
        self.bytesBefore = bytesBefore
        self.bytesAfter = bytesAfter
    }
}

/// How far reading a dataset again is, or, at its end, what it found.
public struct DatasetVerification: Hashable, Sendable {
    /// Bytes read of data files.
    public var bytes: UInt64
    /// Bytes there are, about.
    public var bytesToRead: UInt64
    /// Whether it is the end; what follows is known then.
    public var isLast: Bool
    /// Data files with their keys and indexes.
    public var segments: UInt64
    /// Batches in them.
    public var batches: UInt64
    /// Records that can be read.
    public var records: UInt64
    /// What is not as it was written, and where.
    public var problems: [String]

    public init(
        bytes: UInt64, bytesToRead: UInt64, isLast: Bool = false, segments: UInt64 = 0, batches: UInt64 = 0, records: UInt64 = 0,
        problems: [String] = []
    ) {
        self.bytes = bytes
        self.bytesToRead = bytesToRead
        self.isLast = isLast
        self.segments = segments
        self.batches = batches
        self.records = records
        self.problems = problems
    }
}
