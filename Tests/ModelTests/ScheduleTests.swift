import Foundation
import Model
import TestSupport
import Testing

/// When dataflows run: a pure function of schedule, zone and time.
@Suite struct ScheduleTests {
    private func instant(_ text: String) throws -> Instant {
        Instant(milliseconds: Int64(try Date.ISO8601FormatStyle().parse(text).timeIntervalSince1970) * 1000)
    }

    private static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut",
        "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu", "America/Havana", "America/Santiago",
        "Antarctica/Troll",
    ]

    @Test func `a daily run is at its time as clocks of the zone show it, once, also where they are set`() throws {
        let cases: [(zone: String, minute: Int, from: String, due: String)] = [
            ("UTC", 0, "2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z"),
            ("UTC", 0, "2026-11-25T00:00:01Z", "2026-11-26T00:00:00Z"),
            ("UTC", 1439, "2026-11-25T00:00:00Z", "2026-11-25T23:59:00Z"),
            ("Europe/Berlin", 150, "2026-11-25T12:00:00Z", "2026-11-26T01:30:00Z"),
            // 02:30 is skipped on 29 March: the next instant that there is, 03:00 summer time.
            ("Europe/Berlin", 150, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", 150, "2026-03-29T01:00:01Z", "2026-03-30T00:30:00Z"),
            // 02:30 comes twice on 25 October: the first one, in summer time.
            ("Europe/Berlin", 150, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
            ("Europe/Berlin", 150, "2026-10-25T00:30:01Z", "2026-10-26T01:30:00Z"),
            // Half an hour is set here.
            ("Australia/Lord_Howe", 105, "2026-04-04T00:00:00Z", "2026-04-04T14:45:00Z"),
            ("Australia/Lord_Howe", 135, "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z"),
            // Midnight is skipped: the day begins at one.
            ("Africa/Cairo", 0, "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"),
            // 30 December 2011 never was.
            ("Pacific/Apia", 720, "2011-12-29T23:00:00Z", "2011-12-30T10:00:00Z"),
            ("Asia/Kathmandu", 360, "2026-11-25T00:15:00Z", "2026-11-25T00:15:00Z"),
        ]
        for (name, minute, from, due) in cases {
            let next = Schedule(.daily(minute: minute)).next(from: try instant(from), in: try Zone(name))
            #expect(next == (try instant(due)), "\(name) \(minute) from \(from): \(next.map(String.init(describing:)) ?? "none")")
        }
    }

    @Test func `daily runs come once a calendar day, at most 25 hours apart, in every zone`() throws {
        for name in Self.zones {
            let zone = try Zone(name)
            for (year, minute) in [(2011, 0), (2011, 721), (2026, 0), (2026, 30), (2026, 90), (2026, 150), (2026, 1439)] {
                let schedule = Schedule(.daily(minute: minute))
                var last = try #require(schedule.next(from: try instant("\(year)-01-01T00:00:00Z"), in: zone))
                for _ in 0..<366 {
                    let next = try #require(schedule.next(from: Instant(milliseconds: last.milliseconds + 1), in: zone))
                    let hours = Double(next.milliseconds - last.milliseconds) / 3_600_000
                    let isSkipped = name == "Pacific/Apia" && year == 2011 && hours < 22
                    #expect(hours >= 22 || isSkipped, "\(name) \(minute): \(last) and \(next)")
                    #expect(hours <= 25 || name == "Antarctica/Troll" && hours <= 26, "\(name) \(minute): \(last) and \(next)")
                    // The time of the day that never was is taken at the next day's first instant.
                    let isLater = zone.day(containing: next) > zone.day(containing: last)
                    #expect(isLater || isSkipped, "\(name) \(minute): \(last) and \(next)")
                    last = next
                }
            }
        }
    }

    @Test func `runs at equal distances keep them, whatever clocks do, and do not drift when one is late`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for minutes in Limits.scheduleMinutes {
            let distance = Int64(minutes) * 60_000
            for start in [nil, Instant(milliseconds: 1_795_435_217_123), Instant(milliseconds: -5)] {
                let schedule = Schedule(.every(minutes: minutes), start: start)
                for _ in 0..<200 {
                    let now = Instant(milliseconds: Int64.random(in: 0...4_000_000_000_000, using: &generator))
                    let due = try #require(schedule.next(from: now, in: .utc))
                    #expect(due >= now && due >= start ?? now, "SEED=\(seed)")
                    #expect((due.milliseconds - (start?.milliseconds ?? 0)) % distance == 0, "SEED=\(seed)")
                    #expect(due.milliseconds - max(now, start ?? now).milliseconds < distance, "SEED=\(seed)")
                    #expect(schedule.next(from: due, in: .utc) == due, "a time is due at itself, SEED=\(seed)")
                }
            }
        }
    }

    @Test func `no run is due before the start, nor from the end on`() throws {
        let (start, end) = (try instant("2026-11-25T12:00:00Z"), try instant("2026-11-26T12:00:00Z"))
        let early = try instant("2026-11-01T00:00:00Z")
        for recurrence in [Schedule.Recurrence.every(minutes: 60), .daily(minute: 840), .once] {
            let schedule = Schedule(recurrence, start: start, end: end)
            #expect(try #require(schedule.next(from: early, in: .utc)) >= start)
            // One run that was missed is due until it has been.
            #expect(schedule.next(from: end, in: .utc) == (recurrence == .once ? start : nil))
        }
        #expect(Schedule(.every(minutes: 60), start: start).next(from: early, in: .utc) == start)
        #expect(
            Schedule(.daily(minute: 719), start: start, end: end).next(from: early, in: .utc)
                == (try instant("2026-11-26T11:59:00Z")))
        #expect(
            Schedule(.daily(minute: 720), start: start, end: end).next(from: try instant("2026-11-25T12:00:01Z"), in: .utc) == nil
        )
        #expect(Schedule(.once).next(from: early, in: .utc) == early)
        #expect(Schedule(.manual, start: start).next(from: early, in: .utc) == nil)
    }

    @Test func `a schedule under which records would expire unexported is refused with the arithmetic`() {
        let error = #expect(throws: Status.self) { try Schedule(.daily(minute: 0)).check(keeping: Retention(days: 1)) }
        #expect(error?.code == .invalidArgument && error?.field == "schedule")
        #expect(
            error?.message.contains("25 h") == true && error?.message.contains("24 h") == true, "\(String(describing: error))")
        for days in [2, 3, 30] {
            #expect(throws: Never.self) { try Schedule(.daily(minute: 0)).check(keeping: Retention(days: days)) }
        }
        for minutes in Limits.scheduleMinutes {
            #expect(throws: Never.self) { try Schedule(.every(minutes: minutes)).check(keeping: Retention(days: 1)) }
        }
    }

    @Test func `what is no schedule is refused by its field`() throws {
        let cases: [(Schedule, String)] = [
            (Schedule(.every(minutes: 0)), "schedule.interval_minutes"),
            (Schedule(.every(minutes: 16)), "schedule.interval_minutes"),
            (Schedule(.every(minutes: -15)), "schedule.interval_minutes"),
            (Schedule(.daily(minute: 1440)), "schedule.minute_of_day"),
            (Schedule(.daily(minute: -1)), "schedule.minute_of_day"),
            (Schedule(.once, start: Instant(milliseconds: 5), end: Instant(milliseconds: 5)), "schedule.end_ms"),
        ]
        for (schedule, field) in cases {
            let error = #expect(throws: Status.self) { try schedule.check(keeping: Retention(days: 3)) }
            #expect(error?.field == field)
        }
    }

    @Test func `a full export is made once or when asked for, and JSON is compressed by gzip or not at all`() throws {
        var settings = DataflowSettings(destination: "d", compression: .gzip)
        let full = #expect(throws: Status.self) { try settings.check(.json, .full, keeping: Retention(days: 3)) }
        #expect(full?.field == "schedule")
        settings.schedule = Schedule(.once)
        #expect(throws: Never.self) { try settings.check(.json, .full, keeping: Retention(days: 3)) }
        for compression in Compression.allCases {
            settings.compression = compression
            #expect(throws: Never.self) { try settings.check(.parquet, .full, keeping: Retention(days: 3)) }
            let refused = (try? settings.check(.json, .full, keeping: Retention(days: 3))) == nil
            #expect(refused == (compression == .zstd || compression == .snappy))
        }
        settings.compression = .gzip
        for size in [0, Limits.fileSizesAllowed.lowerBound - 1, Limits.fileSizesAllowed.upperBound + 1, .max] {
            settings.fileSizeLimit = size
            let error = #expect(throws: Status.self) { try settings.check(.json, .full, keeping: Retention(days: 3)) }
            #expect(error?.field == "file_size_limit")
        }
    }

    @Test func `records are at risk when half their life is over or a day is left, whichever comes first`() {
        func atRisk(life: Int64, age: Int64) -> Bool {
            Backlog(
                records: 1, oldestIngestedAt: Instant(milliseconds: 0), oldestExpiresAt: Instant(milliseconds: life * 3_600_000)
            ).isAtRisk(at: Instant(milliseconds: age * 3_600_000))
        }
        #expect((atRisk(life: 72, age: 35), atRisk(life: 72, age: 36)) == (false, true))
        #expect((atRisk(life: 40, age: 15), atRisk(life: 40, age: 16)) == (false, true), "a day is left")
        #expect(atRisk(life: 24, age: 0))
        #expect(!Backlog().isAtRisk(at: Instant(milliseconds: .max)))
    }

    @Test func `pauses between attempts grow to their limit, and differ by a fifth`() {
        for attempt in [0, 1, 2, 3, 5, 6, 17, 100, UInt32.max] {
            let (low, high) = (Run.backoff(afterAttempt: attempt, jitter: 0), Run.backoff(afterAttempt: attempt, jitter: 1))
            #expect(low >= Int64(Limits.retrySeconds) * 800 && high <= Int64(Limits.retrySecondsAtMost) * 1200)
            #expect(abs(Double(high) / Double(low) - 1.5) < 0.01)
        }
        #expect(Run.backoff(afterAttempt: 1, jitter: 0.5) == Int64(Limits.retrySeconds) * 1000)
        #expect(Run.backoff(afterAttempt: 3, jitter: 0.5) == Int64(Limits.retrySeconds) * 4000)
        #expect(Run.backoff(afterAttempt: 50, jitter: 0.5) == Int64(Limits.retrySecondsAtMost) * 1000)
    }
}
