import ArgumentParser
import MessageExportClient

/// When a dataflow runs by itself, as options.
struct ScheduleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Run at equal distances: 15m, 1h, 3h, 6h, 8h or 12h.", valueName: "distance"),
        transform: ScheduleOptions.minutes)
    var every: Int?

    @Option(
        help: ArgumentHelp("Run once a day at this time of the sandbox's zone, such as 02:30.", valueName: "time"),
        transform: ScheduleOptions.minuteOfDay)
    var daily: Int?

    @Flag(help: "Run once: at --start, or at once.")
    var once = false

    @Flag(help: "Run only when somebody asks.")
    var manual = false

    /// A time that is given, or that there shall be none.
    enum Bound {
        case none
        case at(Instant)

        var instant: Instant? {
            if case .at(let instant) = self { instant } else { nil }
        }
    }

    @Option(
        help: ArgumentHelp("No run before then, such as 2026-12-01T00:00:00Z, or 'none'.", valueName: "time"),
        transform: ScheduleOptions.bound)
    var start: Bound?

    @Option(help: ArgumentHelp("No run from then on, or 'none'.", valueName: "time"), transform: ScheduleOptions.bound)
    var end: Bound?

    func validate() throws {
        let recurrences = [every != nil, daily != nil, once, manual].filter { $0 }.count
        guard recurrences <= 1 else { throw ValidationError("--every, --daily, --once and --manual exclude each other") }
    }

    /// What is asked for; nil: nothing is.
    ///
    /// - Parameter current: what holds where nothing else is said.
    func schedule(instead current: Schedule) -> Schedule? {
        var schedule = current
        if let every { schedule.recurrence = .every(minutes: every) }
        if let daily { schedule.recurrence = .daily(minute: daily) }
        if once { schedule.recurrence = .once }
        if manual { schedule.recurrence = .manual }
        if let start { schedule.start = start.instant }
        if let end { schedule.end = end.instant }
        return schedule == current ? nil : schedule
    }

    private static func minutes(_ text: String) throws -> Int {
        for (unit, minutes) in [("min", 1), ("m", 1), ("h", 60)] where text.hasSuffix(unit) {
            guard let number = Int(text.dropLast(unit.count)), (1...1440).contains(number),
                Limits.scheduleMinutes.contains(number * minutes)
            else { break }
            return number * minutes
        }
        throw ValidationError("'\(text)' is none of 15m, 1h, 3h, 6h, 8h, 12h")
    }

    private static func bound(_ text: String) throws -> Bound {
        text == "none" ? .none : .at(try Instant.argument(text))
    }

    private static func minuteOfDay(_ text: String) throws -> Int {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].count), parts[1].count == 2, let hour = Int(parts[0]),
            let minute = Int(parts[1]),
            (0..<24).contains(hour), (0..<60).contains(minute)
        else { throw ValidationError("'\(text)' is no time of day such as 02:30") }
        return hour * 60 + minute
    }
}

/// How files are made and where they go, as options.
struct FileOptions: ParsableArguments {
    @Option(help: "How the files are compressed; json by gzip or none. Default: gzip for json, zstd for parquet.")
    var compression: Compression?

    @Option(
        help: ArgumentHelp(
            "Folder below the destination's, with macros; '/' alone: none. Default: \(FolderTemplate.standard.text).",
            valueName: "template"), transform: FileOptions.folder)
    var folder: FolderTemplate?

    @Option(
        help: ArgumentHelp("Begin another file when one has this size, 1MiB to 4GiB. Default: 256MiB.", valueName: "size"),
        transform: FileOptions.fileSize)
    var fileSize: UInt64?

    private static func folder(_ text: String) throws -> FolderTemplate {
        do { return try FolderTemplate(text) } catch { throw ValidationError("\(error.message) (\(error.hint ?? ""))") }
    }

    private static func fileSize(_ text: String) throws -> UInt64 {
        let size = try Size.argument(text)
        guard size > 0 else { throw ValidationError("a file of no bytes cannot be") }
        return size
    }
}

extension Schedule {
    /// For people, such as `every 3 h`.
    var text: String {
        switch recurrence {
        case .manual: "when asked"
        case .once: "once"
        case .every(let minutes): minutes < 60 ? "every \(minutes) min" : "every \(minutes / 60) h"
        case .daily(let minute):
            "daily at \(minute / 60 < 10 ? "0" : "")\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60)"
        }
    }
}
