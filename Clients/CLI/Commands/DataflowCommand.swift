import ArgumentParser
import MessageExportClient

struct DataflowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataflow", abstract: "Dataflows: what is exported where.", subcommands: [Create.self, RunCommand.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a dataflow to a destination.",
            discussion: """
                Its first run exports all that is retained, each later one what was stored since.

                EXAMPLE
                  msgexport dataflow create daily --destination archive --format json
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: ArgumentHelp("Name of a destination.", valueName: "name"))
        var destination: String

        @Option(help: "The shape of the files: json is one record a line.")
        var format: Format

        @Option(help: "How the files are compressed. Default: gzip for json.")
        var compression: Compression?

        @OptionGroup var connection: Connection

        func run() async throws {
            let made = try await connection.withClient {
                try await $0.createDataflow(name: name, destination: destination, format: format, compression: compression)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct RunCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Exports what was stored since the dataflow's last successful run.",
            discussion: """
                With --wait the exit code tells whether the run succeeded.

                EXAMPLE
                  msgexport dataflow run daily --wait
                """)

        @Argument(help: "Name of a dataflow.")
        var name: String

        @Flag(help: "Return when the run has ended.")
        var wait = false

        @OptionGroup var connection: Connection

        func run() async throws {
            let run = try await connection.withClient { client in
                let started = try await client.startRun(dataflow: name)
                return wait ? try await client.waitRun(id: started.id) : started
            }
            Terminal.show(run.fields, as: connection.output)
            if wait, run.state != .success { throw ExitCode(ExitStatus.other) }
        }
    }
}

extension Dataflow {
    var fields: [Field] {
        [
            Field("Dataflow", "name", .text(name)), Field("Id", "id", .text(id)),
            Field("Destination", "destination", .text(destination)), Field("Format", "format", .text(format.rawValue)),
            Field("Compression", "compression", .text(compression.rawValue)), Field("Cursor", "cursor", .number(cursor)),
            Field("Created", "createdAt", .text(createdAt.description)),
        ]
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
}
