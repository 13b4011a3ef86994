import Foundation

/// A time zone, whose days count in a sandbox.
public struct Zone: Hashable, Sendable, CustomStringConvertible {
    /// Such as `Europe/Berlin`.
    public let name: String
    private let zone: TimeZone

    /// The zone that is taken where none is named.
    public static let utc = Zone(name: "UTC", zone: .gmt)

    private init(name: String, zone: TimeZone) {
        self.name = name
        self.zone = zone
    }

    /// - Throws: `invalidArgument` naming `time_zone` when there is no such zone.
    public init(_ name: String) throws(Status) {
        if name == Zone.utc.name {
            self = .utc
        } else if name.contains("/"), let zone = TimeZone(identifier: name), zone.identifier == name {
            self.init(name: name, zone: zone)
        } else {
            throw Status(
                .invalidArgument, "there is no such time zone", field: "time_zone",
                hint: "name one of the tz database, such as Europe/Berlin or UTC", reason: .unknown)
        }
    }

    /// The day that an instant is on here.
    public func day(containing instant: Instant) -> Day {
        Day(containing: Instant(milliseconds: instant.milliseconds + offset(at: instant)))
    }

    /// The first instant of a day, or of the next one where the zone skipped that day.
    public func start(of day: Day) -> Instant {
        // Zones are less than 24 hours from UTC, and a skip of a day adds as much.
        var (before, from) = (day.start.milliseconds - 2 * Day.milliseconds, day.start.milliseconds + 2 * Day.milliseconds)
        while from - before > 1 {
            let middle = before + (from - before) / 2
            if self.day(containing: Instant(milliseconds: middle)) < day { before = middle } else { from = middle }
        }
        return Instant(milliseconds: from)
    }

    /// Milliseconds that clocks here are ahead of UTC.
    func offset(at instant: Instant) -> Int64 {
        // Of the second that it is in: offsets change at whole ones.
        let seconds = instant.milliseconds >= 0 ? instant.milliseconds / 1000 : (instant.milliseconds - 999) / 1000
        return Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))) * 1000
    }

    /// Zones are equal when their names are.
    public static func == (left: Zone, right: Zone) -> Bool { left.name == right.name }

    /// As equality is: of the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    public var description: String { name }
}
