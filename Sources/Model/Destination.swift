/// Where dataflows deliver.
public struct Destination: Hashable, Sendable {
    /// What kind of storage it is, with its settings.
    public enum Settings: Hashable, Sendable {
        /// A folder of the daemon's machine, by absolute path.
        case local(path: String)
    }

    public var id: String
    public var name: String
    public var settings: Settings
    public var createdAt: Instant

    public init(id: String, name: String, settings: Settings, createdAt: Instant) {
        self.id = id
        self.name = name
        self.settings = settings
        self.createdAt = createdAt
    }
}
