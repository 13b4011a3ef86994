import Glibc
import Model

/// The exit codes, one for each class of status: part of the command line's interface.
enum ExitStatus {
    static let other: Int32 = 1
    static let usage: Int32 = 2

    static func code(for code: Status.Code) -> Int32 {
        switch code {
        case .ok: 0
        case .invalidArgument, .outOfRange: 3
        case .notFound: 4
        case .alreadyExists: 5
        case .failedPrecondition, .aborted: 6
        case .permissionDenied, .unauthenticated: 7
        case .resourceExhausted: 8
        case .unavailable, .cancelled: 9
        case .deadlineExceeded: 10
        case .dataLoss: 11
        case .unknown, .unimplemented, .internal: other
        }
    }

    /// What a mail server is told, which knows sysexits.h: what the mail itself is refused for comes back to who sent it; whatever else is mended,
    /// in the daemon or in the server's own settings, and the mail waits until it is.
    static func mailServerCode(for error: any Error) -> Int32 {
        (error as? NotTaken)?.isForContent == true ? EX_DATAERR : EX_TEMPFAIL
    }

    /// For the help text.
    static var table: String {
        var lines = [
            "  0   done", "  1   any other failure, or a run that did not succeed", "  2   the command line itself is wrong",
        ]
        for number: Int32 in 3...11 {
            let names = Status.Code.allCases.filter { code(for: $0) == number }.map(\.name)
            lines.append("  \(number)\(number < 10 ? " " : "")  \(names.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }
}
