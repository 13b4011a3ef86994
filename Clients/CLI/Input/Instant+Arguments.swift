import ArgumentParser
import Formats
import Foundation
import Model

extension Instant {
    /// A time that an argument names.
    static func argument(_ text: String) throws -> Instant {
        guard let instant = Instant(text), instant.milliseconds != 0 else {
            throw ValidationError("'\(text)' is not a time such as 2026-11-23T09:30:00Z")
        }
        return instant
    }

    /// What `past` takes, for its help.
    static let pastHelp = "a time such as 2026-11-23T09:30:00Z, or how long ago, such as 90m, 2h or 3d"

    /// A time that an argument names, or says how long ago it was, by this machine's clock.
    static func past(_ text: String) throws -> Instant {
        guard let milliseconds = duration(text) else {
            do { return try argument(text) } catch { throw ValidationError("'\(text)' is not \(pastHelp)") }
        }
        let instant = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000) - milliseconds)
        guard representable.contains(instant) else { throw ValidationError("'\(text)' ago there were no years") }
        return instant
    }

    /// Milliseconds; nil: it is no number with a unit.
    private static func duration(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.first?.isWholeNumber == true, let count = UInt32(text.dropLast())
        else { return nil }
        return Int64(count) * unit * 1000
    }
}
