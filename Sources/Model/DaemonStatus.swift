/// How the daemon and one sandbox of it are doing.
public struct DaemonStatus: Hashable, Sendable {
    /// Version of the daemon.
    public var version: String
    /// Name of the organization.
    public var organization: String
    /// Whether the organization is entitled to message export.
    public var messageExport: Bool
    /// When the daemon started.
    public var startedAt: Instant
    /// Name of the sandbox that the following is about.
    public var sandbox: String
    /// Channel configurations, whatever their state.
    public var configurations: UInt32
    /// Active configurations with the export flag on.
    public var configurationsExporting: UInt32
    /// Destinations of the sandbox.
    public var destinations: UInt32
    /// Dataflows of the sandbox.
    public var dataflows: UInt32
    /// Records retained and not expired.
    public var records: UInt64
    /// Sequence of the newest record; 0: none yet.
    public var lastSequence: UInt64
    /// Data files of the dataset.
    public var segments: UInt32
    /// Bytes of the dataset's data files.
    public var storedBytes: UInt64
    /// What recovery found at the start; empty: nothing was damaged or cut.
    public var recoveryReports: [String]
    /// What its clocks say; nil: an older daemon does not tell.
    public var time: ClockReading?
    /// Bytes of the file system that its data is on; 0: not known.
    public var diskBytes: UInt64
    /// Bytes of them that are free.
    public var diskFreeBytes: UInt64

    public init(
        version: String, organization: String, messageExport: Bool, startedAt: Instant, sandbox: String, configurations: UInt32,
        configurationsExporting: UInt32, destinations: UInt32, dataflows: UInt32, records: UInt64, lastSequence: UInt64,
        segments: UInt32, storedBytes: UInt64, recoveryReports: [String],
        time: ClockReading? = nil, diskBytes: UInt64 = 0, diskFreeBytes: UInt64 = 0
    ) {
        self.version = version
        self.organization = organization
        self.messageExport = messageExport
        self.startedAt = startedAt
        self.sandbox = sandbox
        self.configurations = configurations
        self.configurationsExporting = configurationsExporting
        self.destinations = destinations
        self.dataflows = dataflows
        self.records = records
        self.lastSequence = lastSequence
        self.segments = segments
        self.storedBytes = storedBytes
        self.recoveryReports = recoveryReports
        self.time = time
        self.diskBytes = diskBytes
        self.diskFreeBytes = diskFreeBytes
    }
}

/// Whether a service does its work, in the words of gRPC's health service.
public enum Health: String, Hashable, Sendable, CaseIterable {
    case serving = "SERVING"
    case notServing = "NOT_SERVING"
    /// There is no service of that name.
    case serviceUnknown = "SERVICE_UNKNOWN"
}

/// The version of daemon, client and command line.
public let productVersion = "0.1.0"
