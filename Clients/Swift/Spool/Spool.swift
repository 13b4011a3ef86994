public import Model
public import SystemPackage

/// Where a client keeps what it cannot hand over now, and how long it tries before.
public struct Spool: Hashable, Sendable {
    /// What a full spool does.
    public enum Full: String, Hashable, Sendable, CaseIterable {
        /// The ingest fails with `resourceExhausted`: its caller decides.
        case fail
        /// The message is let go of, and counted: its caller goes on.
        case drop
    }

    /// A folder of this user's alone; made where it is missing. Any number of this user's processes may use it, of one sandbox.
    public var folder: FilePath
    /// How long an ingest may take, whatever the daemon and the disk do.
    public var deadline: Duration
    /// Bytes of entries at most.
    public var bytes: Int64
    /// Entries at most.
    public var entries: Int
    /// What is done when it is full.
    public var whenFull: Full

    /// - Precondition: the deadline is positive.
    public init(
        folder: FilePath, deadline: Duration = .milliseconds(Limits.spoolDeadlineMilliseconds),
        bytes: Int64 = Limits.spoolBytes, entries: Int = Limits.spoolEntries, whenFull: Full = .fail
    ) {
        precondition(deadline > .zero, "a deadline is in the future")
        self.folder = folder
        self.deadline = deadline
        self.bytes = bytes
        self.entries = entries
        self.whenFull = whenFull
    }

    /// What is in a spool.
    public struct Content: Hashable, Sendable {
        /// What waits to be handed over.
        public internal(set) var entries = 0
        /// Their bytes.
        public internal(set) var bytes: Int64 = 0
        /// When the oldest of them was put in; nil: there is none.
        public internal(set) var oldest: Instant?
        /// What the daemon refused, and that waits for somebody to mend or discard it.
        public internal(set) var refused = 0
        /// Their bytes.
        public internal(set) var refusedBytes: Int64 = 0

        public init() {}
    }

    /// What came of handing a spool over.
    public struct HandedOver: Hashable, Sendable {
        /// The daemon has them.
        public internal(set) var taken = 0
        /// The daemon has answered that it keeps none of their kind: their configuration's flag is off, or was when they were sent.
        public internal(set) var notKept = 0
        /// The daemon refused them: they are set aside.
        public internal(set) var refused = 0
        /// They could not be handed over for what can be mended, such as a configuration that is not active: they still wait.
        public internal(set) var left = 0
        /// Why the first of those two was not taken.
        public internal(set) var firstRefusal: Status?
        /// Why it went no further; nil: nothing is left.
        public internal(set) var stopped: Status?

        public init() {}

        mutating func add(_ other: HandedOver) {
            taken += other.taken
            notKept += other.notKept
            refused += other.refused
            left += other.left
            firstRefusal = firstRefusal ?? other.firstRefusal
            stopped = stopped ?? other.stopped
        }
    }
}

/// What became of a message that a client with a spool was given.
public enum Handover: Hashable, Sendable {
    /// The daemon has answered.
    case answered(IngestResult)
    /// It is on disk, sealed, and will be handed over.
    case spooled
    /// The spool is full, and was told to let go of what does not fit.
    case dropped
}
