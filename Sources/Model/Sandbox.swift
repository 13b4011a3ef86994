/// A sandbox: everything else belongs to one, and nothing of one is visible from another.
public struct Sandbox: Hashable, Sendable {
    /// What it is for; never changes.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case production
        case development
    }

    /// Where it is in its life.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// It is being made, or emptied.
        case creating
        case active
        /// Its dataset could not be made or opened.
        case failed
        case deleted
    }

    /// What it may take; nil: no limit of its own.
    public struct Quotas: Hashable, Sendable {
        /// Bytes stored.
        public var bytes: UInt64?
        /// Records stored on one day.
        public var recordsPerDay: UInt64?
        /// Records stored in one second.
        public var recordsPerSecond: UInt64?

        public init(bytes: UInt64? = nil, recordsPerDay: UInt64? = nil, recordsPerSecond: UInt64? = nil) {
            self.bytes = bytes
            self.recordsPerDay = recordsPerDay
            self.recordsPerSecond = recordsPerSecond
        }
    }

    /// Given when it was made, and never again.
    public var id: String
    /// Unique; never changes.
    public var name: String
    /// For people.
    public var title: String
    /// What it is for.
    public var kind: Kind
    /// Where it is in its life.
    public var state: State
    /// Counts the lives of its dataset between resets, from 1.
    public var epoch: UInt32
    /// Name of the zone whose days count.
    public var timeZone: String
    /// How long records ingested from now on are kept.
    public var retention: Retention
    /// What it may take.
    public var quotas: Quotas
    /// Counts its changes, from 1.
    public var revision: UInt64
    /// When it was made.
    public var createdAt: Instant

    public init(
        id: String, name: String, title: String, kind: Kind, state: State, epoch: UInt32, timeZone: String, retention: Retention,
        quotas: Quotas = Quotas(), revision: UInt64 = 1, createdAt: Instant
    ) {
        self.id = id
        self.name = name
        self.title = title
        self.kind = kind
        self.state = state
        self.epoch = epoch
        self.timeZone = timeZone
        self.retention = retention
        self.quotas = quotas
        self.revision = revision
        self.createdAt = createdAt
    }
}

/// The organization of a daemon.
public struct Organization: Hashable, Sendable {
    /// What people know it by.
    public var name: String
    /// Whether it is entitled to message export.
    public var messageExport: Bool
    /// Ed25519 public key of what the daemon signs, 32 bytes.
    public var signingKey: [UInt8]
    /// Counts its changes, from 1.
    public var revision: UInt64
    /// When it was made.
    public var createdAt: Instant

    public init(name: String, messageExport: Bool, signingKey: [UInt8], revision: UInt64, createdAt: Instant) {
        self.name = name
        self.messageExport = messageExport
        self.signingKey = signingKey
        self.revision = revision
        self.createdAt = createdAt
    }
}
