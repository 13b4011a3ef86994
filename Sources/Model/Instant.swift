/// A point in time, in milliseconds since 1970-01-01T00:00:00Z (leap seconds not counted), as on the wire and on disk.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Since 1970-01-01T00:00:00Z; negative before.
    public var milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The years 1 to 9999: what every format and reader can write.
    public static let representable = Instant(milliseconds: -62_135_596_800_000)...Instant(milliseconds: 253_402_300_799_999)

    public static func < (left: Instant, right: Instant) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// ISO 8601 in UTC with milliseconds, such as `2026-11-23T09:05:00.250Z`; what is not representable is as the nearest that is.
    public var description: String {
        let instant = min(max(self, Instant.representable.lowerBound), Instant.representable.upperBound)
        let day = Day(containing: instant)
        let time = instant.milliseconds - day.start.milliseconds
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let hours = padded(time / 3_600_000, 2)
        let minutes = padded(time / 60_000 % 60, 2)
        let seconds = padded(time / 1000 % 60, 2)
        return "\(day)T\(hours):\(minutes):\(seconds).\(padded(time % 1000, 3))Z"
    }
}

/// Where the time comes from; the one clock of whoever is given it.
public protocol TimeSource: Sendable {
    var now: Instant { get }
}
