/// What the message export dataset of a sandbox holds.
public struct DatasetSummary: Hashable, Sendable {
    /// Name of the sandbox.
    public var sandbox: String
    /// Counts its lives between resets, from 1.
    public var epoch: UInt32
    /// Name of the zone whose days count.
    public var timeZone: String
    /// Calendar days after the day of ingestion that a record is kept.
    public var retentionDays: Int
    /// Records retained and not expired.
    public var records: UInt64
    /// Sequences of the oldest and the newest record; 0: there is none.
    public var firstSequence: UInt64
    /// Sequence of the newest record; 0: there is none.
    public var lastSequence: UInt64
    /// The oldest first; only those that have not expired.
    public var days: [StoredDay]

    /// What was ingested on one day of the sandbox's zone.
    public struct StoredDay: Hashable, Sendable {
        /// Such as `2026-11-23`.
        public var day: String
        /// Records ingested on it.
        public var records: UInt64
        /// Its data files.
        public var segments: UInt32
        /// Bytes of its data files.
        public var storedBytes: UInt64
        /// From then on nobody sees its records.
        public var expiresAt: Instant
        /// Records by configuration, in the order of their names.
        public var configurations: [ConfigurationCount]

        public init(
            day: String, records: UInt64, segments: UInt32, storedBytes: UInt64, expiresAt: Instant,
            configurations: [ConfigurationCount] = []
        ) {
            self.day = day
            self.records = records
            self.segments = segments
            self.storedBytes = storedBytes
            self.expiresAt = expiresAt
            self.configurations = configurations
        }
    }

    /// Records of one configuration.
    public struct ConfigurationCount: Hashable, Sendable {
        /// Its name.
        public var configuration: String
        /// How many.
        public var records: UInt64

        public init(configuration: String, records: UInt64) {
            self.configuration = configuration
            self.records = records
        }
    }

    public init(
        sandbox: String, epoch: UInt32, timeZone: String, retentionDays: Int, records: UInt64, firstSequence: UInt64,
        lastSequence: UInt64, days: [StoredDay]
    ) {
        self.sandbox = sandbox
        self.epoch = epoch
        self.timeZone = timeZone
        self.retentionDays = retentionDays
        self.records = records
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.days = days
    }
}

/// What of a record's message is asked for.
public enum RecordView: String, Hashable, Sendable, CaseIterable {
    /// All that a row holds: attachments by size and SHA-256, no raw mail.
    case row
    /// All of it.
    case full
    /// The raw mail, or the text of an SMS, and who and when; no bodies, headers and attachments beside it.
    case raw
}
