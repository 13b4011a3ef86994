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

    /// Given when it was made, and never again.
    public var id: String
    /// Unique in its sandbox; never changes.
    public var name: String
    /// What is sent with it; never changes.
    public var channel: Channel
    /// Where it is in its life.
    public var state: State
    /// From 1; counts up with each change that came into force.
    public var version: UInt32
    /// Whether messages sent with it are kept and exported.
    public var messageExport: Bool
    /// The flag of the version that waits to be submitted; nil: none does.
    public var pendingMessageExport: Bool?
    /// When it was made.
    public var createdAt: Instant

    public init(
        id: String, name: String, channel: Channel, state: State, version: UInt32, messageExport: Bool,
        pendingMessageExport: Bool? = nil, createdAt: Instant
    ) {
        self.id = id
        self.name = name
        self.channel = channel
        self.state = state
        self.version = version
        self.messageExport = messageExport
        self.pendingMessageExport = pendingMessageExport
        self.createdAt = createdAt
    }
}

/// The sandbox that exists from the start, used where none is named.
public let defaultSandbox = "prod"
