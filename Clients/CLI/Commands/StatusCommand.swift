import ArgumentParser
import MessageExportClient

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows how the daemon and a sandbox of it are doing.",
        discussion: """
            The alerts are those that tell of what is so now: 'msgexport dataflow alerts' shows the others, too.

            EXAMPLES
              msgexport status
              msgexport status -o json
            """)

    @OptionGroup var connection: Connection

    func run() async throws {
        let (status, dataflows, alerts) = try await connection.withClient { client in
            (
                try await client.status(), try await client.dataflows(),
                try await client.alerts(openOnly: true, limit: Limits.runsListedDefault)
            )
        }
        let next = dataflows.compactMap(\.nextRunAt).min()
        var clock: [Field] = []
        if let time = status.time {
            clock.append(Field("Time", "time", .text(time.trusted.description)))
            if let doubt = time.doubt {
                clock.append(Field("Clock doubted", "clockDoubt", .text("\(doubt.rawValue); it shows \(time.wall)")))
            }
        }
        Terminal.show(
            [
                Field("Version", "version", .text(status.version)),
                Field("Organization", "organization", .text(status.organization)),
                Field("Message export", "messageExport", .flag(status.messageExport)),
                Field("Started", "startedAt", .text(status.startedAt.description)),
                Field("Sandbox", "sandbox", .text(status.sandbox)),
                Field("Configurations", "configurations", .number(UInt64(status.configurations))),
                Field("  exporting", "configurationsExporting", .number(UInt64(status.configurationsExporting))),
                Field("Destinations", "destinations", .number(UInt64(status.destinations))),
                Field("Dataflows", "dataflows", .number(UInt64(status.dataflows))),
                Field("  next run", "nextRunAt", next),
                Field("  expired unexported", "expiredUnexported", .number(dataflows.reduce(0) { $0 + $1.expiredUnexported })),
                Field("Records", "records", .number(status.records)),
                Field("Last sequence", "lastSequence", .number(status.lastSequence)),
                Field("Segments", "segments", .number(UInt64(status.segments))),
                Field("Bytes on disk", "storedBytes", .number(status.storedBytes)),
                Field("Recovery found", "recoveryReports", .list(status.recoveryReports)),
            ] + clock + [Field("Alerts", "alerts", .rows(alerts.map(\.fields)))], as: connection.output)
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
                try await client.watchHealth(service: service ?? "") { health in
                    switch connection.output {
                    case .table: Terminal.print(health.rawValue)
                    case .json: Terminal.show([Field("Health", "status", .text(health.rawValue))], as: .json)
                    }
                }
            }
        }
        let health = try await connection.withClient { try await $0.health(service: service ?? "") }
        Terminal.show([Field("Health", "status", .text(health.rawValue))], as: connection.output)
        if health != .serving { throw ExitCode(ExitStatus.code(for: .unavailable)) }
    }
}
