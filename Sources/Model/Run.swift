/// One export of a dataflow over a window of sequences that was fixed at its start.
public struct Run: Hashable, Sendable {
    /// Where a run is in its life.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case processing = "PROCESSING"
        case success = "SUCCESS"
        case failed = "FAILED"
        case cancelled = "CANCELLED"

        /// Whether nothing changes any more.
        public var isFinal: Bool { self != .processing }
    }

    /// Why there is a run.
    public enum Trigger: String, Hashable, Sendable, CaseIterable {
        /// The schedule had it due.
        case scheduled = "SCHEDULED"
        /// Somebody asked for what waits to be exported.
        case onDemand = "ON_DEMAND"
        /// Somebody asked for a window, or for another destination: it moves no cursor, and stands outside the chain of manifests.
        case window = "WINDOW"
    }

    /// Given when it was begun, and never again.
    public var id: String
    /// Name of its dataflow.
    public var dataflow: String
    /// Name of its destination.
    public var destination: String
    /// Where it is in its life.
    public var state: State
    /// Why there is one.
    public var trigger: Trigger
    /// The window: sequences after `after`, up to and with `through`.
    public var after: UInt64
    /// The last sequence of the window.
    public var through: UInt64
    /// Of its records, those ingested from then on; nil: all.
    public var since: Instant?
    /// Of its records, those ingested before; nil: all.
    public var until: Instant?
    /// Records of the window when it was fixed.
    public var expected: UInt64
    /// What it has moved so far.
    public var totals: Totals
    /// How often it was begun.
    public var attempts: UInt32
    /// When it is tried again; nil: it is not waiting.
    public var nextAttemptAt: Instant?
    /// When its window was fixed.
    public var startedAt: Instant
    /// When it ended; nil: it is under way.
    public var endedAt: Instant?
    /// Folder the files are in, below the destination's path; empty: that one.
    public var folder: String
    /// File name of the manifest; nil: none was begun.
    public var manifest: String?
    /// Why it failed, or its last attempt did.
    public var error: String?

    /// What a run moved.
    public struct Totals: Hashable, Sendable {
        /// Records of the window that were there when it was fixed, or should have been.
        public var received: UInt64
        /// Records delivered.
        public var exported: UInt64
        /// Records of the window that could not be exported: expired, erased or damaged meanwhile.
        public var skipped: UInt64
        /// Data files delivered, the manifest not counted.
        public var files: UInt32
        /// Bytes of the data files as delivered.
        public var bytes: UInt64

        public init(received: UInt64 = 0, exported: UInt64 = 0, skipped: UInt64 = 0, files: UInt32 = 0, bytes: UInt64 = 0) {
            self.received = received
            self.exported = exported
            self.skipped = skipped
            self.files = files
            self.bytes = bytes
        }
    }

    public init(
        id: String, dataflow: String, destination: String, state: State = .processing, trigger: Trigger = .onDemand,
        after: UInt64,
        through: UInt64, since: Instant? = nil, until: Instant? = nil, expected: UInt64 = 0, totals: Totals = Totals(),
        attempts: UInt32 = 0, nextAttemptAt: Instant? = nil, startedAt: Instant, endedAt: Instant? = nil, folder: String,
        manifest: String? = nil, error: String? = nil
    ) {
        self.id = id
        self.dataflow = dataflow
        self.destination = destination
        self.state = state
        self.trigger = trigger
        self.after = after
        self.through = through
        self.since = since
        self.until = until
        self.expected = expected
        self.totals = totals
        self.attempts = attempts
        self.nextAttemptAt = nextAttemptAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.folder = folder
        self.manifest = manifest
        self.error = error
    }

    /// Milliseconds to wait before the next attempt: twice as long each time up to a quarter of an hour, a fifth more or less so that
    /// dataflows that failed together do not come back together.
    public static func backoff(afterAttempt attempt: UInt32, jitter: Double) -> Int64 {
        let base = Double(Limits.retrySeconds * 1000) * Double(UInt64(1) << UInt64(min(max(attempt, 1) - 1, 16)))
        return Int64(min(base, Double(Limits.retrySecondsAtMost * 1000)) * (0.8 + 0.4 * jitter))
    }
}
