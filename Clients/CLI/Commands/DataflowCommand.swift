import ArgumentParser
import MessageExportClient

struct DataflowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataflow", abstract: "Dataflows: what is exported where.",
        discussion: """
            EXAMPLES
              msgexport dataflow create daily --destination archive --format json
              msgexport dataflow run daily --wait
            """,
        subcommands: [Create.self, Start.self, List.self, Show.self, Delete.self])

    /// The name of one that is there.
    struct Name: ParsableArguments {
        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var connection: Connection
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a dataflow to a destination.",
            discussion: """
                Its first run exports all that is retained, each later one what was stored since.

                EXAMPLES
                  msgexport dataflow create daily --destination archive --format json
                  msgexport dataflow create raw --destination archive --format json \\
                    --include-raw
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: ArgumentHelp("Name of a destination.", valueName: "name"))
        var destination: String

        @Option(help: "The shape of the files: json is one record a line.")
        var format: Format

        @Option(help: "How the files are compressed. Default: gzip for json.")
        var compression: Compression?

        @Flag(help: "Let rows hold the attachments' bytes and the mail as it was sent, in base64.")
        var includeRaw = false

        @OptionGroup var connection: Connection

        func run() async throws {
            let made = try await connection.withClient(naming: .destination, destination) {
                try await $0.createDataflow(
                    name: name, destination: destination, format: format, compression: compression, includeRaw: includeRaw)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Exports what was stored since the dataflow's last successful run.",
            discussion: """
                With --wait the exit code tells whether the run succeeded.

                EXAMPLE
                  msgexport dataflow run daily --wait
                """)

        @Flag(help: "Return when the run has ended.")
        var wait = false

        @OptionGroup var named: Name

        func run() async throws {
            let run = try await named.connection.withClient(naming: .dataflow, named.name) { client in
                let started = try await client.startRun(dataflow: named.name)
                return wait ? try await client.waitRun(id: started.id) : started
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
                dataflows.map(\.fields), columns: ["Dataflow", "Destination", "Format", "Compression", "Cursor"],
                as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one dataflow and its last run.",
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
            Terminal.show(dataflow.fields + last, as: named.connection.output)
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
        [
            Field("Dataflow", "name", .text(name)), Field("Id", "id", .text(id)),
            Field("Destination", "destination", .text(destination)), Field("Format", "format", .text(format.rawValue)),
            Field("Compression", "compression", .text(compression.rawValue)),
            Field("Include raw", "includeRaw", .flag(includeRaw)), Field("Cursor", "cursor", .number(cursor)),
            Field("Created", "createdAt", .text(createdAt.description)),
        ]
    }
}
