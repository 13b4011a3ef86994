/// A channel configuration: what messages are sent with, and whether those are kept and exported.
public struct ChannelConfiguration: Hashable, Sendable {
    /// Where it is in its life; only an active one takes messages.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case draft = "DRAFT"
        case processing = "PROCESSING"
        case active = "ACTIVE"
        case failed = "FAILED"
        case deactivated = "DEACTIVATED"
    }

    /// A version that is not in force.
    public struct Pending: Hashable, Sendable {
        /// Its number.
        public var version: UInt32
        /// What it would be.
        public var settings: ConfigurationSettings
        /// Why it did not come into force; empty: it was not submitted.
        public var failures: [String]

        public init(version: UInt32, settings: ConfigurationSettings, failures: [String]) {
            self.version = version
            self.settings = settings
            self.failures = failures
        }
    }

    /// Given when it was made, and never again.
    public var id: String
    /// Unique in its sandbox; never changes.
    public var name: String
    /// What is sent with it; never changes.
    public var channel: Channel
    /// Where it is in its life.
    public var state: State
    /// Number of the version in force or, of one that never was, of the newest.
    public var version: UInt32
    /// That version's.
    public var settings: ConfigurationSettings
    /// Why it is `failed`.
    public var failures: [String]
    /// The newest version, where it is not in force.
    public var pending: Pending?
    /// When its flag last came into force; nil: it is off.
    public var enabledSince: Instant?
    /// When it was made.
    public var createdAt: Instant

    /// Whether messages sent with it are kept and exported.
    public var messageExport: Bool { settings.messageExport }
    /// Number of the newest version: what an edit is made of.
    public var latestVersion: UInt32 { pending?.version ?? version }

    public init(
        id: String, name: String, channel: Channel, state: State, version: UInt32, settings: ConfigurationSettings,
        failures: [String] = [], pending: Pending? = nil, enabledSince: Instant? = nil, createdAt: Instant
    ) {
        self.id = id
        self.name = name
        self.channel = channel
        self.state = state
        self.version = version
        self.settings = settings
        self.failures = failures
        self.pending = pending
        self.enabledSince = enabledSince
        self.createdAt = createdAt
    }
}

/// The sandbox that exists from the start, used where none is named.
public let defaultSandbox = "prod"
