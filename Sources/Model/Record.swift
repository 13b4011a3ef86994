/// A message the dataset keeps, with what the daemon knows of its keeping.
public struct Record: Hashable, Sendable {
    /// As its sender handed it over.
    public var message: Message
    /// Its number in the dataset, from 1.
    public var sequence: UInt64
    /// When it was made durable.
    public var ingestedAt: Instant
    /// From this instant on nothing shows it.
    public var expiresAt: Instant
    /// The message's own time of sending or, where it had none, the time of receipt.
    public var sentAt: Instant
    /// Name of the sandbox whose dataset keeps it.
    public var sandbox: String
    /// Id of the channel configuration it was sent with.
    public var configurationID: String
    /// The version of the configuration in force at the ingestion.
    public var configurationVersion: UInt32
    /// SHA-256 over the packed message: tells a repeat from another message of the same id.
    public var contentSHA256: [UInt8]
    /// uid of the process that submitted it.
    public var submitter: UInt32

    public init(
        message: Message, sequence: UInt64, ingestedAt: Instant, expiresAt: Instant, sentAt: Instant, sandbox: String,
        configurationID: String, configurationVersion: UInt32, contentSHA256: [UInt8], submitter: UInt32
    ) {
        self.message = message
        self.sequence = sequence
        self.ingestedAt = ingestedAt
        self.expiresAt = expiresAt
        self.sentAt = sentAt
        self.sandbox = sandbox
        self.configurationID = configurationID
        self.configurationVersion = configurationVersion
        self.contentSHA256 = contentSHA256
        self.submitter = submitter
    }
}

/// What became of a message that was handed over without error.
public enum Outcome: String, Hashable, Sendable, CaseIterable {
    /// On disk, encrypted.
    case stored = "STORED"
    /// The same message of the same submitter is already on disk.
    case duplicate = "DUPLICATE"
    /// The configuration's export flag is off: nothing was kept.
    case exportDisabled = "EXPORT_DISABLED"
    /// It was sent before the flag last came on, or the organization was entitled: nothing was kept.
    case beforeEnabled = "BEFORE_ENABLED"
}

/// The answer for one message of an ingest.
public struct IngestResult: Hashable, Sendable {
    /// What became of the message.
    public var outcome: Outcome
    /// When the kept record was ingested; nil when nothing was kept.
    public var ingestedAt: Instant?
    /// When the kept record expires; nil when nothing was kept.
    public var expiresAt: Instant?

    public init(outcome: Outcome, ingestedAt: Instant? = nil, expiresAt: Instant? = nil) {
        self.outcome = outcome
        self.ingestedAt = ingestedAt
        self.expiresAt = expiresAt
    }
}
