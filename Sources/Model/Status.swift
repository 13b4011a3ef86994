/// The end of a call that did not succeed: a canonical gRPC code, and what was wrong, where, and what to do.
///
/// Never holds message content, keys or secrets: it goes to logs and terminals.
public struct Status: Error, Hashable, Sendable, CustomStringConvertible {
    /// The canonical gRPC codes with their numbers.
    public enum Code: Int32, Sendable, CaseIterable {
        case ok = 0, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
        case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable, dataLoss
        case unauthenticated

        /// The canonical spelling, such as `NOT_FOUND`.
        public var name: String {
            switch self {
            case .ok: "OK"
            case .cancelled: "CANCELLED"
            case .unknown: "UNKNOWN"
            case .invalidArgument: "INVALID_ARGUMENT"
            case .deadlineExceeded: "DEADLINE_EXCEEDED"
            case .notFound: "NOT_FOUND"
            case .alreadyExists: "ALREADY_EXISTS"
            case .permissionDenied: "PERMISSION_DENIED"
            case .resourceExhausted: "RESOURCE_EXHAUSTED"
            case .failedPrecondition: "FAILED_PRECONDITION"
            case .aborted: "ABORTED"
            case .outOfRange: "OUT_OF_RANGE"
            case .unimplemented: "UNIMPLEMENTED"
            case .internal: "INTERNAL"
            case .unavailable: "UNAVAILABLE"
            case .dataLoss: "DATA_LOSS"
            case .unauthenticated: "UNAUTHENTICATED"
            }
        }
    }

    /// What kind of thing went wrong.
    public var code: Code
    /// What was wrong, for people; never content, keys or secrets.
    public var message: String
    /// Path of the field at fault in the request, such as `messages[3].email.html`.
    public var field: String?
    /// What to do about it.
    public var hint: String?
    /// What kind of fault it is, for programs; nil: the code says all there is.
    public var reason: Reason?
    /// The limit that was passed.
    public var limit: UInt64?

    /// What kind of fault there is, for programs; the code alone says how to go on.
    public enum Reason: String, Sendable, CaseIterable {
        /// What is needed is not there.
        case missing = "MISSING"
        /// It is not of the form it must have.
        case malformed = "MALFORMED"
        /// It is larger, longer or more than the limit.
        case overLimit = "OVER_LIMIT"
        /// A value, name or method that is not known here.
        case unknown = "UNKNOWN"
        /// It goes against something else that is there.
        case conflict = "CONFLICT"
        /// What it concerns is in a state that does not allow it.
        case state = "STATE"
        /// The daemon, a disk or a peer cannot at the moment.
        case temporary = "TEMPORARY"

        /// What a code usually means; nil: no one thing.
        init?(_ code: Code) {
            switch code {
            case .invalidArgument: self = .malformed
            case .notFound, .unimplemented: self = .unknown
            case .alreadyExists: self = .conflict
            case .failedPrecondition: self = .state
            case .resourceExhausted, .outOfRange: self = .overLimit
            case .unavailable, .aborted: self = .temporary
            case .ok, .cancelled, .unknown, .deadlineExceeded, .permissionDenied, .internal, .dataLoss, .unauthenticated:
                return nil
            }
        }
    }

    /// - Parameters:
    ///   - reason: by default what the code usually means, or `overLimit` where a limit is named.
    ///   - limit: the number that was passed.
    public init(
        _ code: Code, _ message: String, field: String? = nil, hint: String? = nil, reason: Reason? = nil, limit: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.hint = hint
        self.reason = reason ?? (limit == nil ? Reason(code) : .overLimit)
        self.limit = limit.map { UInt64($0) }
    }

    /// The same status with its field seen from further out: `name` within `prefix` is `prefix.name`.
    public func within(_ prefix: String) -> Status {
        var outer = self
        outer.field = field.map { "\(prefix).\($0)" } ?? prefix
        return outer
    }

    /// All of it in one line.
    public var description: String {
        let place = field.map { " (\($0))" } ?? ""
        let advice = hint.map { ": \($0)" } ?? ""
        return "\(code.name): \(message)\(place)\(advice)"
    }
}
