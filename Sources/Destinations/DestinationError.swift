/// Why something could not be delivered: what kind of failure it is, and in its own words what happened. In one line, without secrets.
package struct DestinationError: Error, Hashable, CustomStringConvertible {
    /// The kinds of failures there are.
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        case credentialsRefused = "credentials refused"
        case hostKeyUnknown = "host key not the one that is pinned"
        case noSuchPlace = "no such bucket or folder"
        case permission = "permission denied"
        case notReachable = "not reachable"
        case clock = "clocks differ"
        case busy = "busy"
        case full = "no space left, or quota used up"
        case timeout = "timeout"
        case nameTaken = "name taken"
        case damaged = "not stored as it was sent"
        case unusable = "unusable path"
        case notApproved = "not approved"
        case program = "program failed"
        case stopped = "stopped"
        case unexplained = "the server does not say why"
        case other = "failed"

        /// What to do about it; nil: its words say it.
        package var hint: String? {
            switch self {
            case .credentialsRefused: "check who signs in and with what, then: msgexport destination edit"
            case .hostKeyUnknown: "if the server was set up anew, set its new host_key; else somebody is in between"
            case .noSuchPlace: "make it; it is never made here"
            case .permission: "whoever signs in must be allowed to write, read, list and remove"
            case .notReachable: "check host, port and network"
            case .clock: "set the clock of this machine"
            case .full: "make room, or raise the quota"
            case .timeout, .busy: "the server is overloaded or hangs"
            case .nameTaken: "somebody else put it there: choose another folder"
            case .damaged: "look into the storage: it changed or lost what was written"
            case .notApproved: "an administrator approves it: msgexport organization approve"
            case .unexplained: "most often it has no space left, or a quota is used up"
            case .program, .unusable, .stopped, .other: nil
            }
        }
    }

    /// What kind of failure it is.
    package let reason: Reason
    /// What happened, in one line.
    package let detail: String
    /// How the program ended that was to deliver.
    let ended: Program.Ended?

    /// A failure that no program told of.
    package init(_ reason: Reason, _ detail: String) {
        self.init(reason, detail, ended: nil)
    }

    init(_ reason: Reason, _ detail: String, ended: Program.Ended?) {
        self.reason = reason
        self.detail = detail
        self.ended = ended
    }

    /// Whether another attempt may succeed without anybody's help: what has the name will have it tomorrow, and the folder's name stays.
    package var isWorthRetrying: Bool { reason != .nameTaken && reason != .unusable }

    package var description: String {
        [reason == .other || reason == .unusable ? detail : "\(reason.rawValue): \(detail)", reason.hint].compactMap(\.self)
            .joined(separator: "; ")
    }

    /// By what is told of it.
    package static func == (left: Self, right: Self) -> Bool { left.reason == right.reason && left.detail == right.detail }

    /// As equality is.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(reason)
        hasher.combine(detail)
    }
}
