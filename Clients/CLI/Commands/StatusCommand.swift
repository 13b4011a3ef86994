import ArgumentParser
import MessageExportClient

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows how the daemon and a sandbox of it are doing, on one screen.",
        discussion: """
            Whether it is healthy, what came in, what waits to be exported, what is at risk to expire before, when the next run is, \
            and how full it is. Alerts are those that tell of what is so now: 'msgexport dataflow alerts' shows the others, too.

            With --watch it is shown again and again, until it is stopped; as JSON, each time as a document of its own.

            EXAMPLES
              msgexport status
              msgexport status --watch
              msgexport status -o json
            """)

    @Flag(help: "Show it again and again.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch: how long between.", valueName: "seconds"))
    var every = 2

    @OptionGroup var connection: Connection

    func validate() throws {
        guard (1...3600).contains(every) else { throw ValidationError("--every is 1 to 3600 seconds") }
    }

    func run() async throws {
        try await connection.withClient { client in
            var view = try await StatusView(client)
            Terminal.show(view.fields(before: nil, seconds: every), as: connection.output)
            while watch {
                try Terminal.requireReader()
                try await Task.sleep(for: .seconds(every))
                let next = try await StatusView(client)
                if connection.output == .table { Terminal.clear() }
                Terminal.show(next.fields(before: view, seconds: every), as: connection.output)
                view = next
            }
        }
    }
}

/// What `status` shows: asked for at one time, about.
private struct StatusView {
    private let status: DaemonStatus
    private let health: Health
    private let newestDay: DatasetSummary.StoredDay?
    private let dataflows: [Dataflow]
    private let alerts: [Alert]
    private let quota: UInt64?

    init(_ client: MessageExportClient) async throws(Status) {
        status = try await client.status()
        health = try await client.health()
        newestDay = try await client.dataset().days.last
        dataflows = try await client.dataflows()
        alerts = try await client.alerts(openOnly: true, limit: Limits.runsListedDefault)
        quota = try await client.sandbox(name: status.sandbox).quotas.bytes
    }

    /// - Parameters:
    ///   - before: what was shown last; nil: this is the first time.
    ///   - seconds: since then.
    func fields(before: StatusView?, seconds: Int) -> [Field] {
        daemon + incoming(before, seconds) + waiting + room + [Field("Alerts", "alerts", .rows(alerts.map(\.fields)))]
    }

    private var daemon: [Field] {
        var fields = [
            Field("Health", "health", .text(health.rawValue)), Field("Version", "version", .text(status.version)),
            Field("Organization", "organization", .text(status.organization)),
            Field("Message export", "messageExport", .flag(status.messageExport)),
            Field("Started", "startedAt", .text(status.startedAt.description)),
        ]
        if let time = status.time {
            fields.append(Field("Time", "time", .text(time.trusted.description)))
            if let doubt = time.doubt {
                fields.append(Field("Clock doubted", "clockDoubt", .text("\(doubt.rawValue); it shows \(time.wall)")))
            }
        }
        return fields + [
            Field("Recovery found", "recoveryReports", .list(status.recoveryReports)),
            Field("Sandbox", "sandbox", .text(status.sandbox)),
        ]
    }

    private func incoming(_ before: StatusView?, _ seconds: Int) -> [Field] {
        var fields = [
            Field("Configurations", "configurations", Int(status.configurations)),
            Field("  exporting", "configurationsExporting", Int(status.configurationsExporting)),
            Field("Records", "records", .number(status.records)),
            Field("  newest day", "newestDay", newestDay.map { .text($0.day) } ?? .none("none")),
            Field("  records of it", "newestDayRecords", .number(newestDay?.records ?? 0)),
            Field("  last sequence", "lastSequence", .number(status.lastSequence)),
        ]
        if let before {
            let count = status.lastSequence - min(before.status.lastSequence, status.lastSequence)
            fields.append(Field("  a second", "recordsPerSecond", .number(count / UInt64(seconds))))
        }
        return fields
    }

    private var waiting: [Field] {
        let backlogs = dataflows.compactMap(\.backlog)
        let now = status.time?.trusted
        let risks = dataflows.filter { dataflow in now.map { dataflow.backlog?.isAtRisk(at: $0) ?? false } ?? false }
        return [
            Field("Destinations", "destinations", Int(status.destinations)),
            Field("Dataflows", "dataflows", Int(status.dataflows)),
            Field("  next run", "nextRunAt", dataflows.compactMap(\.nextRunAt).min()),
            Field("  records waiting", "waiting", .number(backlogs.reduce(0) { $0 + $1.records })),
            Field("  oldest waiting", "oldestWaiting", backlogs.compactMap(\.oldestIngestedAt).min()),
            Field("  at risk", "atRisk", .list(risks.map(\.name))),
            Field("  expired unexported", "expiredUnexported", .number(dataflows.reduce(0) { $0 + $1.expiredUnexported })),
        ]
    }

    private var room: [Field] {
        [
            Field("Segments", "segments", Int(status.segments)),
            Field("Size on disk", "storedBytes", .bytes(status.storedBytes)),
            Field("  quota", "quotaBytes", quota.map { .bytes($0) } ?? .none("none")),
            Field("  disk", "diskBytes", .bytes(status.diskBytes)),
            Field("  free of it", "diskFreeBytes", .bytes(status.diskFreeBytes)),
        ]
    }
}

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Tells whether the daemon, or one service of it, does its work.",
        discussion: """
            Shows SERVING and exits with 0, or NOT_SERVING with 9: the code for a daemon that does not answer, too. It is the check of \
            gRPC's health service, for scripts and supervisors.

            messageexport.v1.AdministrationService is NOT_SERVING while the daemon doubts its clock: see 'msgexport time'.

            With --watch it shows each change as it happens, until the daemon stops.

            EXAMPLES
              msgexport health
              msgexport health --watch
              msgexport health --service messageexport.v1.IngestionService
            """)

    @Option(help: ArgumentHelp("Full name of a service. Default: the daemon as a whole.", valueName: "name"))
    var service: String?

    @Flag(help: "Show each change, until the daemon stops.")
    var watch = false

    @OptionGroup var connection: Connection

    func run() async throws {
        guard !watch else {
            return try await connection.withClient { client in
                try await client.watchHealth(service: service ?? "") { (health) throws(Status) in
                    switch connection.output {
                    case .table: Terminal.print(Paint.word(health.rawValue))
                    case .json: Terminal.show([Field("Health", "status", .text(health.rawValue))], as: .json)
                    }
                    try Terminal.requireReader()
                }
            }
        }
        let health = try await connection.withClient { try await $0.health(service: service ?? "") }
        Terminal.show([Field("Health", "status", .text(health.rawValue))], as: connection.output)
        if health != .serving { throw ExitCode(ExitStatus.code(for: .unavailable)) }
    }
}
