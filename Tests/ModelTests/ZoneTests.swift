import Foundation
import Model
import Testing

/// Days of zones, and what they mean for retention.
@Suite struct ZoneTests {
    private func instant(_ text: String) throws -> Instant {
        Instant(milliseconds: Int64(try Date.ISO8601FormatStyle().parse(text).timeIntervalSince1970) * 1000)
    }

    @Test(arguments: ["", "utc", "GMT", "europe/berlin", "Europe/Nowhere", "+02:00", "CEST", "Mars/Olympus", "UTC ", "../UTC"])
    func `a zone that does not exist is refused by its field`(name: String) {
        let error = #expect(throws: Status.self) { try Zone(name) }
        #expect(error?.code == .invalidArgument && error?.field == "time_zone")
    }

    @Test func `days begin when clocks of the zone say so`() throws {
        let cases: [(zone: String, day: String, start: String)] = [
            ("UTC", "2026-11-25", "2026-11-25T00:00:00Z"), ("Europe/Berlin", "2026-11-25", "2026-11-24T23:00:00Z"),
            ("Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z"), ("America/New_York", "2026-11-02", "2026-11-02T05:00:00Z"),
            ("Asia/Kolkata", "2026-11-25", "2026-11-24T18:30:00Z"), ("Pacific/Kiritimati", "2026-11-25", "2026-11-24T10:00:00Z"),
            ("Pacific/Pago_Pago", "2026-11-25", "2026-11-25T11:00:00Z"),
            // Clocks go from 24:00 to 01:00: the day begins at 01:00.
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
            // The zone skipped 30 December 2011: where it would begin, the next day does.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"), ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ]
        for (name, day, start) in cases {
            let zone = try Zone(name)
            let wanted = Day(containing: try instant("\(day)T12:00:00Z"))
            #expect(zone.start(of: wanted) == (try instant(start)), "\(name) \(day): \(zone.start(of: wanted))")
            let before = Instant(milliseconds: zone.start(of: wanted).milliseconds - 1)
            #expect(zone.day(containing: before) < wanted, "\(name) \(day)")
            #expect(zone.day(containing: zone.start(of: wanted)) >= wanted, "\(name) \(day)")
        }
    }

    @Test func `a record is kept through its last calendar day, and never under so many times 24 hours, in every zone`() throws {
        let zones = [
            "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe",
            "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu", "America/Havana", "Atlantic/Azores",
        ]
        for name in zones {
            let zone = try Zone(name)
            for year in [2011, 2026] {
                let first = Day(containing: try instant("\(year)-01-01T00:00:00Z")).number
                for number in first..<first + 366 {
                    let day = Day(number: number)
                    for days in [1, 3, 30] {
                        let expiry = Retention(days: days).expiry(of: day, in: zone)
                        let end = zone.start(of: Day(number: number + 1))
                        let hours = expiry.milliseconds - end.milliseconds
                        #expect(hours >= Int64(days) * 86_400_000, "\(name) \(day) \(days)")
                        #expect(expiry >= zone.start(of: Day(number: number + Int64(days) + 1)), "\(name) \(day) \(days)")
                        #expect(hours <= Int64(days) * 86_400_000 + 25 * 3_600_000, "and not much longer: \(name) \(day) \(days)")
                    }
                }
            }
        }
    }

    @Test(arguments: [0, 31, UInt32.max])
    func `a retention of less than a day or more than thirty is refused by its field`(days: UInt32) {
        let error = #expect(throws: Status.self) { try Retention(asked: days) }
        #expect(error?.code == .invalidArgument && error?.field == "retention_days")
        #expect(throws: Never.self) { try Retention(asked: 30) }
    }

    @Test(arguments: [
        "", "Prod", "1a", "-a", "a b", "a_b", "a.b", "\u{0430}", "ａ", "a\u{0}", String(repeating: "a", count: 257), "a/b", "..",
    ])
    func `a sandbox name that is none is refused by its field`(name: String) {
        let error = #expect(throws: Status.self) { try SandboxName(name) }
        #expect(error?.code == .invalidArgument && error?.field == "name")
    }
}
