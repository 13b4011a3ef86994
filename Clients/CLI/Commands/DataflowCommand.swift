import ArgumentParser
import MessageExportClient

struct DataflowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataflow", abstract: "Dataflows: what is exported where, and when.",
        discussion: """
            EXAMPLES
              msgexport dataflow create daily --destination archive --format parquet \\
                --daily 02:30
              msgexport dataflow run daily --wait
            """,
        subcommands: [
            Create.self, Start.self, List.self, Show.self, Edit.self, Enable.self, Disable.self, Alerts.self, Delete.self,
        ])

    /// The name of one that is there.
    struct Name: ParsableArguments {
        @Argument(help: "Its name.", completion: .names(of: .dataflow))
        var name: String

        @OptionGroup var connection: Connection
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a dataflow to a destination.",
            discussion: """
                Its first run exports all that is retained, each later one what was stored since. Without another word it runs every hour. \
                Times at which records would expire unexported between two runs are refused. A run by schedule that fails is tried again, \
                after pauses from \(Limits.retrySeconds) seconds to \(Limits.retrySecondsAtMost / 60) minutes, until it succeeds; only what nobody \
                but a person can mend, such as a name that is taken, ends it as FAILED. Files are the daemon's user's own (0600).

                Macros of --folder, with what they stand for at 09:05 UTC:
                  %DATASET_ID%                 message-export-prod
                  %EXPORT_TIME%                exportTime=202611230905
                  %DATETIME%                   20261123_090500
                  %SANDBOX_NAME%               prod
                  %ORGANIZATION_NAME%          the organization's name
                  %DESTINATION%                local: the destination's type
                  %DESTINATION_INSTANCE_NAME%  archive: its name
                  %DESTINATION_INSTANCE_ID%    its id

                EXAMPLES
                  msgexport dataflow create hourly --destination archive --format json
                  msgexport dataflow create nightly --destination archive --format parquet \\
                    --daily 02:30 --compression snappy
                  msgexport dataflow create raw --destination archive --format json \\
                    --every 6h --include-raw --folder %SANDBOX_NAME%/%DATETIME%
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: ArgumentHelp("Name of a destination.", valueName: "name"), completion: .names(of: .destination))
        var destination: String

        @Option(help: "The shape of the files: json is one record a line.")
        var format: Format

        @Option(help: "Whether runs export what is new each time, or all that is retained, once.")
        var mode = ExportMode.incremental

        @OptionGroup var schedule: ScheduleOptions

        @OptionGroup var files: FileOptions

        @Flag(help: "Let rows hold the attachments' bytes and the mail as it was sent.")
        var includeRaw = false

        @Option(
            help: ArgumentHelp(
                "Encrypt files to this approved OpenPGP key, by its fingerprint; may be given several times.", valueName: "key"))
        var encryptTo: [String] = []

        @OptionGroup var connection: Connection

        func run() async throws {
            let standard = mode == .full ? Schedule(.once) : Schedule(.every(minutes: 60))
            let settings = DataflowSettings(
                destination: destination, compression: files.compression ?? format.defaultCompression, includeRaw: includeRaw,
                schedule: schedule.schedule(instead: standard) ?? standard, folder: files.folder ?? .standard,
                fileSizeLimit: files.fileSize ?? Limits.fileSizeDefault, encryptTo: encryptTo)
            let made = try await connection.withClient(naming: .destination, destination) {
                try await $0.createDataflow(name: name, format: format, mode: mode, settings: settings)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes what is given of a dataflow.",
            discussion: """
                A run that waits to be tried again goes on with what is changed. While a run delivers, and where one that waits has delivered \
                files, only the schedule can be changed: wait for its end, or cancel it.

                EXAMPLES
                  msgexport dataflow edit daily --every 3h
                  msgexport dataflow edit daily --destination elsewhere
                  msgexport dataflow edit daily --end none
                """)

        @Option(help: ArgumentHelp("Name of another destination.", valueName: "name"), completion: .names(of: .destination))
        var destination: String?

        @OptionGroup var schedule: ScheduleOptions

        @OptionGroup var files: FileOptions

        @Flag(inversion: .prefixedNo, help: "Let rows hold the attachments' bytes and the mail as it was sent.")
        var includeRaw: Bool?

        @Option(
            help: ArgumentHelp(
                "Encrypt files to these approved OpenPGP keys, and no others; 'none': do not encrypt.", valueName: "key"))
        var encryptTo: [String] = []

        @Option(help: ArgumentHelp("Only if it is at this revision.", valueName: "number"))
        var ifRevision: UInt32?

        @OptionGroup var named: Name

        func run() async throws {
            let edited = try await named.connection.withClient(naming: .dataflow, named.name, or: destination) {
                (client) throws(Status) in
                var change = DataflowChange()
                change.destination = destination
                change.compression = files.compression
                change.includeRaw = includeRaw
                change.folder = files.folder
                change.fileSizeLimit = files.fileSize
                if !encryptTo.isEmpty { change.encryptTo = encryptTo == ["none"] ? [] : encryptTo }
                change.schedule = schedule.schedule(instead: try await client.dataflow(name: named.name).settings.schedule)
                return try await client.editDataflow(name: named.name, ifRevision: ifRevision, change: change)
            }
            Terminal.show(edited.fields, as: named.connection.output)
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Exports what was stored since the dataflow's last successful run, or a window.",
            discussion: """
                With --since, --until or --destination it exports what was ingested in that time, or all that is retained, again: that moves no \
                cursor, and its manifest stands outside the chain. A run that somebody asked for is not tried again by itself when it fails: see \
                'msgexport run retry'. With --wait the exit code tells whether the run succeeded.

                EXAMPLES
                  msgexport dataflow run daily --wait
                  msgexport dataflow run daily --since 2026-11-23T09:30:00Z \\
                    --until 2026-11-23T10:00:00Z --destination elsewhere --wait
                """)

        @Option(
            help: ArgumentHelp("Ingested then or later: \(Instant.pastHelp).", valueName: "time"),
            transform: Instant.past)
        var since: Instant?

        @Option(help: ArgumentHelp("Ingested before then; as --since.", valueName: "time"), transform: Instant.past)
        var until: Instant?

        @Option(help: ArgumentHelp("Name of another destination.", valueName: "name"), completion: .names(of: .destination))
        var destination: String?

        @Flag(help: "Return when the run has ended.")
        var wait = false

        @OptionGroup var named: Name

        func run() async throws {
            let run = try await named.connection.withClient(naming: .dataflow, named.name, or: destination) { client in
                let started = try await client.startRun(
                    dataflow: named.name, since: since, until: until, destination: destination)
                return wait ? try await RunCommand.watch(started.id, client) : started
            }
            Terminal.show(run.fields, as: named.connection.output)
            if wait, run.state != .success { throw ExitCode(ExitStatus.other) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows all dataflows of the sandbox.",
            discussion: """
                EXAMPLES
                  msgexport dataflow list
                  msgexport dataflow list -o json
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let dataflows = try await connection.withClient { try await $0.dataflows() }
            Terminal.show(
                dataflows.map(\.fields),
                columns: ["Dataflow", "Destination", "Format", "Schedule", "Enabled", "Next run", "Cursor"],
                as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one dataflow: what waits, until when, and its last run.",
            discussion: """
                EXAMPLE
                  msgexport dataflow show daily
                """)

        @OptionGroup var named: Name

        func run() async throws {
            let (dataflow, runs) = try await named.connection.withClient(naming: .dataflow, named.name) { client in
                (try await client.dataflow(name: named.name), try await client.runs(dataflow: named.name, limit: 1))
            }
            let last = runs.map { Field("Last run", "lastRun", .thing($0.fields, columns: Run.columns)) }
            Terminal.show(dataflow.fields + dataflow.waitingFields + last, as: named.connection.output)
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a dataflow run by itself.",
            discussion: """
                EXAMPLE
                  msgexport dataflow enable daily
                """)

        @OptionGroup var named: Name

        func run() async throws {
            let enabled = try await named.connection.withClient(naming: .dataflow, named.name) {
                try await $0.enableDataflow(name: named.name)
            }
            Terminal.show(enabled.fields, as: named.connection.output)
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a dataflow run only when somebody asks.",
            discussion: """
                A run under way goes on. What waits to be exported may expire.

                EXAMPLE
                  msgexport dataflow disable daily
                """)

        @OptionGroup var named: Name

        func run() async throws {
            let disabled = try await named.connection.withClient(naming: .dataflow, named.name) {
                try await $0.disableDataflow(name: named.name)
            }
            Terminal.show(disabled.fields, as: named.connection.output)
        }
    }

    struct Alerts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what of the sandbox's exports somebody may have to look at.",
            discussion: """
                The newest first. The daemon can run a program for each of them: 'msgexportd serve --alert-command PATH'.

                EXAMPLES
                  msgexport dataflow alerts
                  msgexport dataflow alerts --open
                """)

        @Flag(help: "Only what is so now.")
        var open = false

        @Option(name: [.customShort("n"), .customLong("limit")], help: "How many, at most \(Limits.runsListed).")
        var limit = Limits.runsListedDefault

        @OptionGroup var connection: Connection

        func validate() throws {
            guard (1...Limits.runsListed).contains(limit) else {
                throw ValidationError("-n is between 1 and \(Limits.runsListed)")
            }
        }

        func run() async throws {
            let alerts = try await connection.withClient { try await $0.alerts(openOnly: open, limit: limit) }
            Terminal.show(alerts.map(\.fields), columns: ["Time", "Alert", "Dataflow", "Detail"], as: connection.output)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a dataflow, and shows what it was.",
            discussion: """
                Its runs are forgotten; what they delivered stays. Refused while a run of it is under way.

                EXAMPLE
                  msgexport dataflow delete daily
                """)

        @OptionGroup var named: Name

        func run() async throws {
            let deleted = try await named.connection.withClient(naming: .dataflow, named.name) {
                try await $0.deleteDataflow(name: named.name)
            }
            Terminal.show(deleted.fields, as: named.connection.output)
        }
    }
}

extension Dataflow {
    var fields: [Field] {
        var fields = [
            Field("Dataflow", "name", .text(name)), Field("Id", "id", .text(id)),
            Field("Destination", "destination", .text(settings.destination)), Field("Format", "format", .text(format.rawValue)),
            Field("Compression", "compression", .text(settings.compression.rawValue)),
            Field("Include raw", "includeRaw", .flag(settings.includeRaw)), Field("Mode", "mode", .text(mode.rawValue)),
            Field("Schedule", "schedule", .text(settings.schedule.text)),
        ]
        if !settings.encryptTo.isEmpty { fields.append(Field("Encrypted to", "encryptTo", .list(settings.encryptTo))) }
        if let start = settings.schedule.start { fields.append(Field("Start", "start", .text(start.description))) }
        if let end = settings.schedule.end { fields.append(Field("End", "end", .text(end.description))) }
        fields += [
            Field("Folder", "folderTemplate", .text(settings.folder.text)),
            Field("File size", "fileSizeLimit", .bytes(settings.fileSizeLimit)), Field("Enabled", "enabled", .flag(isEnabled)),
            Field("Next run", "nextRunAt", nextRunAt), Field("Cursor", "cursor", .number(cursor)),
            Field("Expired unexported", "expiredUnexported", .number(expiredUnexported)),
            Field("Revision", "revision", .number(UInt64(revision))), Field("Created", "createdAt", .text(createdAt.description)),
        ]
        return fields
    }

    /// What waits to be exported.
    var waitingFields: [Field] {
        guard let backlog else { return [] }
        var fields = [Field("Waiting", "waitingRecords", .number(backlog.records))]
        if let oldest = backlog.oldestIngestedAt {
            fields.append(Field("  the oldest of", "oldestWaitingIngestedAt", .text(oldest.description)))
        }
        if let expiry = backlog.oldestExpiresAt {
            fields.append(Field("  expires", "oldestWaitingExpiresAt", .text(expiry.description)))
        }
        return fields
    }
}

extension Alert {
    var fields: [Field] {
        [
            Field("Time", "time", .text(time.description)), Field("Alert", "alert", .text(kind.rawValue)),
            Field("Dataflow", "dataflow", .text(dataflow)), Field("Run", "run", .text(run ?? "")),
            Field("Detail", "detail", .text(detail)),
        ]
    }
}
