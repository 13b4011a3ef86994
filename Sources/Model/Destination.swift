/// Where dataflows deliver.
public struct Destination: Hashable, Sendable {
    /// What kind of storage it is, with its settings.
    public enum Settings: Hashable, Sendable {
        /// A folder of the daemon's machine, by absolute path.
        case local(path: String)
    }

    /// Given when it was made, and never again.
    public var id: String
    /// Unique in its sandbox.
    public var name: String
    /// Where it is.
    public var settings: Settings
    /// When it was made.
    public var createdAt: Instant

    public init(id: String, name: String, settings: Settings, createdAt: Instant) {
        self.id = id
        self.name = name
        self.settings = settings
        self.createdAt = createdAt
    }
}
