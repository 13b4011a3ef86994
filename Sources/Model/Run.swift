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

    /// Given when it was begun, and never again.
    public var id: String
    /// Name of its dataflow.
    public var dataflow: String
    /// Where it is in its life.
    public var state: State
    /// The window: sequences after `after`, up to and with `through`.
    public var after: UInt64
    /// The last sequence of the window.
    public var through: UInt64
    /// What it moved; zeros until it has ended.
    public var totals: Totals
    /// When its window was fixed.
    public var startedAt: Instant
    /// When it ended; nil: it is under way.
    public var endedAt: Instant?
    /// Folder the files are in, below the destination's path.
    public var folder: String
    /// File name of the manifest; nil: none written.
    public var manifest: String?
    /// Why it failed.
    public var error: String?

    /// What a run moved.
    public struct Totals: Hashable, Sendable {
        /// Records read from the dataset.
        public var received: UInt64
        /// Records delivered.
        public var exported: UInt64
        /// Records of the window no longer there: expired since the window was fixed.
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
        id: String, dataflow: String, state: State, after: UInt64, through: UInt64, totals: Totals = Totals(),
        startedAt: Instant, endedAt: Instant? = nil, folder: String, manifest: String? = nil, error: String? = nil
    ) {
        self.id = id
        self.dataflow = dataflow
        self.state = state
        self.after = after
        self.through = through
        self.totals = totals
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.folder = folder
        self.manifest = manifest
        self.error = error
    }
}
