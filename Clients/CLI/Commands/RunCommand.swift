import ArgumentParser
import MessageExportClient

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs: the exports that dataflows did.",
        discussion: """
            'msgexport dataflow run NAME' starts one.

            EXAMPLES
              msgexport run list
              msgexport run list --dataflow daily -n 5
            """,
        subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the newest runs, the newest first.",
            discussion: """
                EXAMPLES
                  msgexport run list
                  msgexport run list --dataflow daily -n 5
                """)

        @Option(help: ArgumentHelp("Only the runs of this dataflow.", valueName: "name"))
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

        @Argument(help: "Id of the run.")
        var id: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let run = try await connection.withClient { try await $0.run(id: id) }
            Terminal.show(run.fields, as: connection.output)
        }
    }
}

extension Run {
    var fields: [Field] {
        var fields = [
            Field("Run", "id", .text(id)), Field("Dataflow", "dataflow", .text(dataflow)),
            Field("State", "state", .text(state.rawValue)), Field("After sequence", "afterSequence", .number(after)),
            Field("Through sequence", "throughSequence", .number(through)),
            Field("Records received", "recordsReceived", .number(totals.received)),
            Field("Records exported", "recordsExported", .number(totals.exported)),
            Field("Records skipped", "recordsSkipped", .number(totals.skipped)),
            Field("Files", "files", .number(UInt64(totals.files))), Field("Bytes", "bytes", .number(totals.bytes)),
            Field("Started", "startedAt", .text(startedAt.description)),
        ]
        if let endedAt { fields.append(Field("Ended", "endedAt", .text(endedAt.description))) }
        fields.append(Field("Folder", "folder", .text(folder)))
        if let manifest { fields.append(Field("Manifest", "manifest", .text(manifest))) }
        if let error { fields.append(Field("Error", "error", .text(error))) }
        return fields
    }

    /// What a table has room for.
    static let columns = ["Run", "Dataflow", "State", "Records exported", "Started"]
}
