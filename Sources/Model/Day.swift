/// A calendar day.
public struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int64

    /// Of a day that has 24 hours.
    public static let milliseconds: Int64 = 86_400_000

    public init(number: Int64) {
        self.number = number
    }

    /// The day that an instant is on, in UTC.
    public init(containing instant: Instant) {
        let quotient = instant.milliseconds / Day.milliseconds
        number = instant.milliseconds % Day.milliseconds < 0 ? quotient - 1 : quotient
    }

    /// The first instant of the day, in UTC.
    public var start: Instant {
        Instant(milliseconds: number * Day.milliseconds)
    }

    public static func < (left: Day, right: Day) -> Bool {
        left.number < right.number
    }

    /// The proleptic Gregorian date, such as `2026-11-23`.
    public var description: String {
        let (year, month, day) = civil
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(abs(value))
            return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// Year, month and day. Counts in eras of 400 years that begin on 1 March, so that a leap day is the last of its year.
    private var civil: (year: Int64, month: Int64, day: Int64) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, day)
    }
}

/// How long records are kept.
public struct Retention: Hashable, Sendable {
    /// Calendar days after the day of ingestion, which is kept whole.
    public let days: Int

    /// - Precondition: the catalog or a test says so; what is asked for goes through `init(asked:)`.
    public init(days: Int) {
        self.days = days
    }

    /// - Throws: `invalidArgument` naming `retention_days` when it is not 1 to 30.
    public init(asked days: UInt32) throws(Status) {
        guard Limits.retentionDaysAllowed.contains(Int(clamping: days)) else {
            throw Status(
                .invalidArgument,
                "records are kept \(Limits.retentionDaysAllowed.lowerBound) to \(Limits.retentionDaysAllowed.upperBound) days",
                field: "retention_days", limit: Limits.retentionDaysAllowed.upperBound)
        }
        self.init(days: Int(days))
    }

    /// When a record ingested on `day` expires: at the end of the last kept day, and never before it was kept that many times 24
    /// hours, whatever daylight saving or a skipped day do.
    public func expiry(of day: Day, in zone: Zone) -> Instant {
        let endOfDay = zone.start(of: Day(number: day.number + 1))
        let endOfLast = zone.start(of: Day(number: day.number + Int64(days) + 1))
        return max(endOfLast, Instant(milliseconds: endOfDay.milliseconds + Int64(days) * Day.milliseconds))
    }
}
