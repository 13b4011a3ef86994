/// When a dataflow runs by itself.
public struct Schedule: Hashable, Sendable {
    /// How its runs come again.
    public enum Recurrence: Hashable, Sendable {
        /// Only when somebody asks for one.
        case manual
        /// One run.
        case once
        /// At equal distances, whatever clocks do: one of `Limits.scheduleMinutes`.
        case every(minutes: Int)
        /// Once a day of the sandbox's zone, this many minutes after midnight as clocks there show it: 0 to 1439.
        case daily(minute: Int)
    }

    /// How its runs come again.
    public var recurrence: Recurrence
    /// No run is due before it; of equal distances it is the first one. Nil: at once; equal distances are then those of 1970-01-01T00:00Z.
    public var start: Instant?
    /// No run is due from it on; nil: for ever.
    public var end: Instant?

    public init(_ recurrence: Recurrence, start: Instant? = nil, end: Instant? = nil) {
        self.recurrence = recurrence
        self.start = start
        self.end = end
    }

    /// The first instant from `earliest` on at which a run is due; nil: there is none any more.
    ///
    /// A pure function of schedule, zone and time. A time of day that the clocks skip is taken at the next instant that there is; one that comes
    /// twice, at its first.
    public func next(from earliest: Instant, in zone: Zone) -> Instant? {
        let first = max(earliest, start ?? earliest)
        let due: Instant
        switch recurrence {
        case .manual: return nil
        // Whether it has been is not for the schedule to know.
        case .once: due = start ?? earliest
        case .every(let minutes):
            let anchor = start?.milliseconds ?? 0
            let distance = Int64(minutes) * 60_000
            let (whole, rest) = (first.milliseconds - anchor).quotientAndRemainder(dividingBy: distance)
            due = Instant(milliseconds: anchor + (rest > 0 ? whole + 1 : whole) * distance)
        case .daily(let minute):
            var day = Day(number: zone.day(containing: first).number - 1)
            while zone.instant(of: day, minute: minute) < first { day = Day(number: day.number + 1) }
            due = zone.instant(of: day, minute: minute)
        }
        if let end, due >= end { return nil }
        return due
    }

    /// The longest time between two runs; nil: runs do not come by themselves.
    public var longestGap: Int64? {
        switch recurrence {
        case .manual, .once: nil
        case .every(let minutes): Int64(minutes) * 60_000
        // A day on which clocks are set back has an hour more.
        case .daily: 25 * 3_600_000
        }
    }

    /// Makes sure that every record is exported before it expires, if each run does what it should.
    ///
    /// - Throws: `invalidArgument` naming `schedule`, with the arithmetic.
    public func check(keeping retention: Retention) throws(Status) {
        switch recurrence {
        case .every(let minutes) where !Limits.scheduleMinutes.contains(minutes):
            let allowed = Limits.scheduleMinutes.map { $0 < 60 ? "\($0) min" : "\($0 / 60) h" }.joined(separator: ", ")
            throw Status(.invalidArgument, "runs come every \(allowed)", field: "schedule.interval_minutes")
        case .daily(let minute) where !(0..<1440).contains(minute):
            throw Status(.invalidArgument, "a day has the minutes 0 to 1439", field: "schedule.minute_of_day")
        default: break
        }
        if let start, let end, start >= end {
            throw Status(.invalidArgument, "it ends at \(end), before it starts at \(start)", field: "schedule.end_ms")
        }
        let life = Int64(retention.days) * 24
        if let longestGap, longestGap > life * 3_600_000 {
            throw Status(
                .invalidArgument,
                "up to \(longestGap / 3_600_000) h pass between two runs, and records are kept \(retention.days) calendar days, \(life) h at least: some would expire unexported",
                field: "schedule", hint: "run more often, or let the sandbox keep records longer")
        }
    }
}

extension Zone {
    /// When clocks here show this many minutes after midnight for the first time on a day; where they skip it, the first instant after.
    public func instant(of day: Day, minute: Int) -> Instant {
        let wanted = day.start.milliseconds + Int64(minute) * 60_000
        // Zones are less than a day from UTC, and a skipped day adds as much.
        var (before, from) = (wanted - 2 * Day.milliseconds, wanted + 2 * Day.milliseconds)
        // Clocks that are set back show a time twice: what comes first is looked for between whole hours, where none is set back twice.
        let hour: Int64 = 3_600_000
        for candidate in stride(from: before, to: from, by: Int(hour)) where local(candidate) >= wanted {
            (before, from) = (candidate - hour, candidate)
            break
        }
        while from - before > 1 {
            let middle = before + (from - before) / 2
            if local(middle) < wanted { before = middle } else { from = middle }
        }
        return Instant(milliseconds: from)
    }

    /// What clocks here show, as if it were UTC.
    private func local(_ milliseconds: Int64) -> Int64 {
        milliseconds + offset(at: Instant(milliseconds: milliseconds))
    }
}
