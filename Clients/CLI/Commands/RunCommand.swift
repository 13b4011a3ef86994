import ArgumentParser
import MessageExportClient

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs: the exports that dataflows did.",
        discussion: """
            'msgexport dataflow run NAME' starts one.

            EXAMPLES
              msgexport run list
              msgexport run list --dataflow daily -n 5
            """,
        subcommands: [List.self, Show.self, Watch.self, Retry.self, Cancel.self])

    /// The id of one that is there.
    struct Identity: ParsableArguments {
        @Argument(help: "Id of the run.", completion: .names(of: .run))
        var id: String

        @OptionGroup var connection: Connection
    }

    /// Shows on a terminal how far a run is; returns it when nobody is at it any more.
    static func watch(_ id: String, _ client: MessageExportClient) async throws(Status) -> Run {
        var bar = ProgressBar()
        let run = try await client.watchRun(id: id) { run in
            bar.show(
                run.totals.exported, of: run.expected,
                "\(run.totals.exported) of \(run.expected) records, \(run.totals.bytes >> 20) MiB in \(run.totals.files) files")
        }
        bar.end()
        return run
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the newest runs, the newest first.",
            discussion: """
                PROCESSING with an error: an attempt failed, and it is tried again, at the time that 'msgexport run show' tells.

                EXAMPLES
                  msgexport run list
                  msgexport run list --dataflow daily -n 5
                """)

        @Option(help: ArgumentHelp("Only the runs of this dataflow.", valueName: "name"), completion: .names(of: .dataflow))
        var dataflow: String?

        @Option(name: [.customShort("n"), .customLong("limit")], help: "How many, at most \(Limits.runsListed).")
        var limit = Limits.runsListedDefault

        @OptionGroup var connection: Connection

        func validate() throws {
            guard (1...Limits.runsListed).contains(limit) else {
                throw ValidationError("-n is between 1 and \(Limits.runsListed)")
            }
        }

        func run() async throws {
            let runs = try await connection.withClient(naming: .dataflow, dataflow ?? "") {
                try await $0.runs(dataflow: dataflow, limit: limit)
            }
            Terminal.show(
                runs.map(\.fields), columns: Run.columns, as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one run.",
            discussion: """
                EXAMPLE
                  msgexport run show 5f0c7c1e-3b1a-4a51-9a0e-0c5c8f2a9d11
                """)

        @OptionGroup var identity: Identity

        func run() async throws {
            let run = try await identity.connection.withClient { try await $0.run(id: identity.id) }
            Terminal.show(run.fields, as: identity.connection.output)
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how far a run is, until it has ended or waits to be tried again.",
            discussion: """
                The exit code tells whether it succeeded.

                EXAMPLE
                  msgexport run watch 5f0c7c1e-3b1a-4a51-9a0e-0c5c8f2a9d11
                """)

        @OptionGroup var identity: Identity

        func run() async throws {
            let run = try await identity.connection.withClient { try await RunCommand.watch(identity.id, $0) }
            Terminal.show(run.fields, as: identity.connection.output)
            if run.state != .success { throw ExitCode(ExitStatus.other) }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes up a run again that failed or was cancelled, or that waits to be tried again.",
            discussion: """
                It has the same window and names. Refused when what it was to export has been exported since.

                EXAMPLE
                  msgexport run retry 5f0c7c1e-3b1a-4a51-9a0e-0c5c8f2a9d11 --wait
                """)

        @Flag(help: "Return when the run has ended.")
        var wait = false

        @OptionGroup var identity: Identity

        func run() async throws {
            let run = try await identity.connection.withClient { client in
                let run = try await client.retryRun(id: identity.id)
                return wait ? try await RunCommand.watch(run.id, client) : run
            }
            Terminal.show(run.fields, as: identity.connection.output)
            if wait, run.state != .success { throw ExitCode(ExitStatus.other) }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a run that is under way.",
            discussion: """
                What it delivered is removed; its records are exported by the next run.

                EXAMPLE
                  msgexport run cancel 5f0c7c1e-3b1a-4a51-9a0e-0c5c8f2a9d11
                """)

        @OptionGroup var identity: Identity

        func run() async throws {
            let run = try await identity.connection.withClient { try await $0.cancelRun(id: identity.id) }
            Terminal.show(run.fields, as: identity.connection.output)
        }
    }
}

extension Run {
    var fields: [Field] {
        var fields = [
            Field("Run", "id", .text(id)), Field("Dataflow", "dataflow", .text(dataflow)),
            Field("Destination", "destination", .text(destination)), Field("State", "state", .text(state.rawValue)),
            Field("Trigger", "trigger", .text(trigger.rawValue)), Field("After sequence", "afterSequence", .number(after)),
            Field("Through sequence", "throughSequence", .number(through)),
            Field("Records received", "recordsReceived", .number(totals.received)),
            Field("Records exported", "recordsExported", .number(totals.exported)),
            Field("Records skipped", "recordsSkipped", .number(totals.skipped)),
            Field("Files", "files", .number(UInt64(totals.files))), Field("Size", "bytes", .bytes(totals.bytes)),
            Field("Started", "startedAt", .text(startedAt.description)),
        ]
        if let since { fields.append(Field("Since", "since", .text(since.description))) }
        if let until { fields.append(Field("Until", "until", .text(until.description))) }
        fields.append(Field("Attempts", "attempts", .number(UInt64(attempts))))
        if let nextAttemptAt { fields.append(Field("Tried again", "nextAttemptAt", .text(nextAttemptAt.description))) }
        if let endedAt { fields.append(Field("Ended", "endedAt", .text(endedAt.description))) }
        fields.append(Field("Folder", "folder", .text(folder)))
        if let manifest { fields.append(Field("Manifest", "manifest", .text(manifest))) }
        if let error { fields.append(Field("Error", "error", .text(error))) }
        return fields
    }

    /// What a table has room for.
    static let columns = ["Run", "Dataflow", "State", "Records exported", "Started", "Error"]
}
