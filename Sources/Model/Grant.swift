/// What somebody may do.
public enum Role: String, Hashable, Sendable, CaseIterable {
    /// Ingests.
    case sender
    /// Sees names, states, counts, runs and status; no content.
    case viewer
    /// Changes configurations, destinations and dataflows, starts runs; sees what a viewer sees.
    case `operator`
    /// Reads content and the sandbox's audit; sees what a viewer sees.
    case auditor
    /// Of the organization: sandboxes, grants, entitlement, keys, time, the organization's audit; reads no content.
    case administrator
}

/// Whom a role is given to, as the kernel names them.
public enum Subject: Hashable, Sendable, CustomStringConvertible {
    /// By user id.
    case user(UInt32)
    /// Whoever is in the group of that id.
    case group(UInt32)

    public var description: String {
        switch self {
        case .user(let id): "user \(id)"
        case .group(let id): "group \(id)"
        }
    }
}

/// A role that somebody has.
public struct Grant: Hashable, Sendable {
    /// What they may do.
    public let role: Role
    /// Who.
    public let subject: Subject
    /// Name of the sandbox where; nil: the organization, of an administrator.
    public let sandbox: String?
    /// When it was given.
    public let createdAt: Instant

    public init(role: Role, subject: Subject, sandbox: String?, createdAt: Instant) {
        self.role = role
        self.subject = subject
        self.sandbox = sandbox
        self.createdAt = createdAt
    }
}
