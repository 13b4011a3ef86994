/// The shape of exported files.
public enum Format: String, Hashable, Sendable, CaseIterable {
    /// Newline-delimited JSON.
    case json
    /// Apache Parquet.
    case parquet

    /// How files are compressed where nothing else is asked for.
    public var defaultCompression: Compression { self == .json ? .gzip : .zstd }

    /// Whether files of this format can be compressed so.
    public func allows(_ compression: Compression) -> Bool { self == .parquet || compression == .none || compression == .gzip }
}

/// How exported files are compressed.
public enum Compression: String, Hashable, Sendable, CaseIterable {
    case none
    case gzip
    case snappy
    case zstd
}

/// What runs of a dataflow export.
public enum ExportMode: String, Hashable, Sendable, CaseIterable {
    /// The first run all that is retained, each later one what was stored since.
    case incremental
    /// All that is retained, once.
    case full
}

/// How a dataflow exports: what its owner sets.
public struct DataflowSettings: Hashable, Sendable {
    /// Name of its destination.
    public var destination: String
    /// How its files are compressed.
    public var compression: Compression
    /// Whether rows hold the attachments' bytes and the mail as sent.
    public var includeRaw: Bool
    /// When it runs by itself.
    public var schedule: Schedule
    /// Where its files go, below the destination's folder.
    public var folder: FolderTemplate
    /// Bytes after which a data file is ended; it may be a little larger.
    public var fileSizeLimit: UInt64
    /// Fingerprints of the approved OpenPGP keys that its files are encrypted to; empty: they are not.
    public var encryptTo: [String]

    public init(
        destination: String, compression: Compression, includeRaw: Bool = false,
        schedule: Schedule = Schedule(.every(minutes: 60)),
        folder: FolderTemplate = .standard, fileSizeLimit: UInt64 = Limits.fileSizeDefault, encryptTo: [String] = []
    ) {
        self.destination = destination
        self.compression = compression
        self.includeRaw = includeRaw
        self.schedule = schedule
        self.folder = folder
        self.fileSizeLimit = fileSizeLimit
        self.encryptTo = encryptTo
    }

    /// Makes sure that a dataflow can be so.
    /// - Throws: `invalidArgument` naming the field.
    public func check(_ format: Format, _ mode: ExportMode, keeping retention: Retention) throws(Status) {
        guard format.allows(compression) else {
            let allowed = Compression.allCases.filter(format.allows).map(\.rawValue).joined(separator: ", ")
            throw Status(
                .invalidArgument, "\(format.rawValue) files cannot be compressed by \(compression.rawValue)",
                field: "compression",
                hint: "one of: \(allowed)")
        }
        guard Limits.fileSizesAllowed.contains(fileSizeLimit) else {
            throw Status(
                .invalidArgument,
                "files are ended at \(Limits.fileSizesAllowed.lowerBound) to \(Limits.fileSizesAllowed.upperBound) bytes",
                field: "file_size_limit", limit: Int(Limits.fileSizesAllowed.upperBound))
        }
        guard encryptTo.count <= Limits.encryptTo, Set(encryptTo).count == encryptTo.count else {
            throw Status(
                .invalidArgument, "files are encrypted to at most \(Limits.encryptTo) keys, each named once", field: "encrypt_to",
                limit: Limits.encryptTo)
        }
        if mode == .full {
            switch schedule.recurrence {
            case .once, .manual: break
            case .every, .daily:
                throw Status(
                    .invalidArgument, "a full export is made once", field: "schedule",
                    hint: "let it run once, or export what is new each time (incremental)")
            }
        }
        try schedule.check(keeping: retention)
    }
}

/// Exports the dataset of a sandbox to a destination.
public struct Dataflow: Hashable, Sendable {
    /// Given when it was made, and never again.
    public var id: String
    /// Unique in its sandbox.
    public var name: String
    /// The shape of its files.
    public var format: Format
    /// What its runs export.
    public var mode: ExportMode
    /// What its owner sets.
    public var settings: DataflowSettings
    /// Whether it runs by itself.
    public var isEnabled: Bool
    /// When it runs next by itself; nil: not at all.
    public var nextRunAt: Instant?
    /// Sequence up to which successful runs have exported; before the first one, the last before what was retained when it was made.
    public var cursor: UInt64
    /// Records that expired before they were exported.
    public var expiredUnexported: UInt64
    /// Counts up with its changes.
    public var revision: UInt32
    /// When it was made.
    public var createdAt: Instant
    /// How far it is behind its dataset; nil: not told here.
    public var backlog: Backlog?

    public init(
        id: String, name: String, format: Format, mode: ExportMode = .incremental, settings: DataflowSettings,
        isEnabled: Bool = true, nextRunAt: Instant? = nil, cursor: UInt64 = 0, expiredUnexported: UInt64 = 0,
        revision: UInt32 = 1,
        createdAt: Instant, backlog: Backlog? = nil
    ) {
        self.id = id
        self.name = name
        self.format = format
        self.mode = mode
        self.settings = settings
        self.isEnabled = isEnabled
        self.nextRunAt = nextRunAt
        self.cursor = cursor
        self.expiredUnexported = expiredUnexported
        self.revision = revision
        self.createdAt = createdAt
        self.backlog = backlog
    }
}

/// How far a dataflow is behind its dataset.
public struct Backlog: Hashable, Sendable {
    /// Records beyond its cursor.
    public var records: UInt64
    /// When the oldest of them was ingested; nil: there is none.
    public var oldestIngestedAt: Instant?
    /// When the first of them expires; nil: there is none.
    public var oldestExpiresAt: Instant?

    public init(records: UInt64 = 0, oldestIngestedAt: Instant? = nil, oldestExpiresAt: Instant? = nil) {
        self.records = records
        self.oldestIngestedAt = oldestIngestedAt
        self.oldestExpiresAt = oldestExpiresAt
    }

    /// Whether records may soon expire unexported: half of their life is over, or they have a day left.
    public func isAtRisk(at now: Instant) -> Bool {
        guard let oldestIngestedAt, let oldestExpiresAt else { return false }
        let life = oldestExpiresAt.milliseconds - oldestIngestedAt.milliseconds
        return now.milliseconds - oldestIngestedAt.milliseconds >= life / 2
            || oldestExpiresAt.milliseconds - now.milliseconds <= Day.milliseconds
    }
}

/// What is to be changed of a dataflow's settings; nil: as it is.
public struct DataflowChange: Hashable, Sendable {
    /// Name of the destination from now on.
    public var destination: String?
    /// How files are compressed.
    public var compression: Compression?
    /// Whether rows hold the attachments' bytes and the mail as sent.
    public var includeRaw: Bool?
    /// When it runs by itself.
    public var schedule: Schedule?
    /// Where its files go.
    public var folder: FolderTemplate?
    /// Bytes after which a data file is ended.
    public var fileSizeLimit: UInt64?
    /// The keys that files are encrypted to; empty: they are not.
    public var encryptTo: [String]?

    public init() {}

    /// The settings with the change.
    public func applied(to settings: DataflowSettings) -> DataflowSettings {
        DataflowSettings(
            destination: destination ?? settings.destination, compression: compression ?? settings.compression,
            includeRaw: includeRaw ?? settings.includeRaw, schedule: schedule ?? settings.schedule,
            folder: folder ?? settings.folder, fileSizeLimit: fileSizeLimit ?? settings.fileSizeLimit,
            encryptTo: encryptTo ?? settings.encryptTo)
    }
}
