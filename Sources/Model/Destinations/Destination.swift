/// Where dataflows deliver.
public struct Destination: Hashable, Sendable {
    /// What kind of storage it is, with its settings; its secrets are apart.
    public struct Settings: Hashable, Sendable {
        /// What kind of storage it is.
        public var type: DestinationType
        /// By the names of `DestinationType.options`; without those that have their default.
        public var values: [String: String]

        public init(type: DestinationType, values: [String: String]) {
            self.type = type
            self.values = values
        }

        /// A folder of the daemon's machine, by absolute path.
        public static func local(path: String) -> Settings { Settings(type: .local, values: ["path": path]) }

        /// What is set, or the default.
        public subscript(_ name: String) -> String? { values[name] ?? type.option(name, backend: values["backend"])?.standard }
    }

    /// Given when it was made, and never again.
    public var id: String
    /// Unique in its sandbox.
    public var name: String
    /// Where it is.
    public var settings: Settings
    /// Which of its secrets are set, and since when. What they are is never told.
    public var secrets: [String: Instant]
    /// When what it signs in with ends, where that is written in it.
    public var expiresAt: Instant?
    /// When it was made.
    public var createdAt: Instant

    public init(
        id: String, name: String, settings: Settings, secrets: [String: Instant] = [:], expiresAt: Instant? = nil,
        createdAt: Instant
    ) {
        self.id = id
        self.name = name
        self.settings = settings
        self.secrets = secrets
        self.expiresAt = expiresAt
        self.createdAt = createdAt
    }
}

/// What a destination is signed in to with. It prints as nothing: only who sends or seals it asks for its text.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself.
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    public var description: String { "a secret" }
    /// As it is described.
    public var debugDescription: String { description }
    /// Of nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A check of a destination, made with a small file.
public struct DestinationCheck: Hashable, Sendable {
    /// What is checked, in this order.
    public enum Step: String, Hashable, Sendable, CaseIterable {
        case write = "WRITE"
        case read = "READ"
        case list = "LIST"
        case remove = "REMOVE"
    }

    /// What was tried.
    public var step: Step
    /// Why it failed, in one line; nil: it did not.
    public var error: String?
    /// What to do about that.
    public var hint: String?

    public init(step: Step, error: String? = nil, hint: String? = nil) {
        self.step = step
        self.error = error
        self.hint = hint
    }
}
