import ArgumentParser
import MessageExportClient

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Sandboxes: nothing of one can be seen from another.",
        discussion: """
            Everything is in a sandbox; prod is there from the start and used where none is named. Making, changing and destroying them \
            is for administrators.

            EXAMPLES
              msgexport sandbox create staging --time-zone Europe/Berlin
              msgexport sandbox list
              msgexport sandbox reset staging --confirm staging
            """,
        subcommands: [Create.self, List.self, Show.self, Edit.self, Reset.self, Delete.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a sandbox.",
            discussion: """
                Nobody may do anything in it until roles are granted: see 'msgexport access'.

                EXAMPLE
                  msgexport sandbox create staging --time-zone Europe/Berlin \\
                    --retention-days 7
                """)

        @Argument(help: "Its name: a lowercase letter, then lowercase letters, digits, '-'. It never changes.")
        var name: String

        @Option(help: ArgumentHelp("For people. Default: the name.", valueName: "text"))
        var title = ""

        @Option(help: "What it is for; never changes.")
        var type: Sandbox.Kind = .development

        @Option(help: ArgumentHelp("Whose days count.", valueName: "zone"))
        var timeZone = "UTC"

        @Option(help: ArgumentHelp("Days that records are kept after the day of their ingestion, 1 to 30.", valueName: "number"))
        var retentionDays = Limits.retentionDays

        @OptionGroup var connection: Connection

        func run() async throws {
            let made = try await connection.withClient {
                try await $0.createSandbox(
                    name: name, title: title, kind: type, timeZone: timeZone, retentionDays: retentionDays)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the sandboxes that you may see.",
            discussion: """
                EXAMPLE
                  msgexport sandbox list
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let sandboxes = try await connection.withClient { try await $0.sandboxes() }
            Terminal.show(
                sandboxes.map(\.fields), columns: ["Sandbox", "Type", "State", "Epoch", "Time zone", "Retention days"],
                as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one sandbox.",
            discussion: """
                EXAMPLE
                  msgexport sandbox show staging
                """)

        @Argument(help: "Its name.", completion: .names(of: .sandbox))
        var name: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let sandbox = try await connection.withClient { try await $0.sandbox(name: name) }
            Terminal.show(sandbox.fields, as: connection.output)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes a sandbox's title or settings.",
            discussion: """
                What is stored keeps its day and its expiry: time zone and retention count for later days.

                EXAMPLES
                  msgexport sandbox edit staging --retention-days 14
                  msgexport sandbox edit staging --quota-records-per-day 100000
                """)

        @Argument(help: "Its name.", completion: .names(of: .sandbox))
        var name: String

        @Option(help: ArgumentHelp("For people.", valueName: "text"))
        var title: String?

        @Option(help: ArgumentHelp("Whose days count.", valueName: "zone"))
        var timeZone: String?

        @Option(help: ArgumentHelp("Days that records are kept after the day of their ingestion, 1 to 30.", valueName: "number"))
        var retentionDays: Int?

        @Option(
            help: ArgumentHelp("How much may be stored, such as 20GiB; 0: no limit of its own.", valueName: "size"),
            transform: Size.argument)
        var quotaBytes: UInt64?

        @Option(help: ArgumentHelp("Records that may be stored on one day; 0: no limit of its own.", valueName: "number"))
        var quotaRecordsPerDay: UInt64?

        @Option(help: ArgumentHelp("Records that may be stored in one second; 0: no limit of its own.", valueName: "number"))
        var quotaRecordsPerSecond: UInt64?

        @Option(help: ArgumentHelp("Only when this is its revision.", valueName: "number"))
        var ifVersion: UInt64?

        @OptionGroup var connection: Connection

        func run() async throws {
            let quotas = Sandbox.Quotas(
                bytes: quotaBytes, recordsPerDay: quotaRecordsPerDay, recordsPerSecond: quotaRecordsPerSecond)
            let edited = try await connection.withClient {
                try await $0.editSandbox(
                    name: name, title: title, timeZone: timeZone, retentionDays: retentionDays, quotas: quotas,
                    ifRevision: ifVersion)
            }
            Terminal.show(edited.fields, as: connection.output)
        }
    }

    /// What destroys is named twice.
    struct Confirmed: ParsableArguments {
        @Argument(help: "Its name.", completion: .names(of: .sandbox))
        var name: String

        @Option(help: ArgumentHelp("Its name again.", valueName: "name"))
        var confirm: String

        @OptionGroup var connection: Connection
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Destroys all that is in a sandbox; its name, settings and grants stay.",
            discussion: """
                Records, configurations, destinations and dataflows are gone for ever when the command returns.

                EXAMPLE
                  msgexport sandbox reset staging --confirm staging
                """)

        @OptionGroup var confirmed: Confirmed

        func run() async throws {
            let emptied = try await confirmed.connection.withClient {
                try await $0.resetSandbox(name: confirmed.name, confirm: confirmed.confirm)
            }
            Terminal.show(emptied.fields, as: confirmed.connection.output)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Destroys a sandbox with all that is in it.",
            discussion: """
                It is gone for ever when the command returns; its name is not given again. prod can be reset, not deleted.

                EXAMPLE
                  msgexport sandbox delete staging --confirm staging
                """)

        @OptionGroup var confirmed: Confirmed

        func run() async throws {
            let deleted = try await confirmed.connection.withClient {
                try await $0.deleteSandbox(name: confirmed.name, confirm: confirmed.confirm)
            }
            Terminal.show(deleted.fields, as: confirmed.connection.output)
        }
    }
}

extension Sandbox {
    var fields: [Field] {
        func quota(_ value: UInt64?, _ make: (UInt64) -> Field.Value = Field.Value.number) -> Field.Value {
            value.map(make) ?? .text("none")
        }
        return [
            Field("Sandbox", "name", .text(name)), Field("Id", "id", .text(id)), Field("Title", "title", .text(title)),
            Field("Type", "type", .text(kind.rawValue)), Field("State", "state", .text(state.rawValue)),
            Field("Epoch", "epoch", .number(UInt64(epoch))), Field("Time zone", "timeZone", .text(timeZone)),
            Field("Retention days", "retentionDays", .number(UInt64(retention.days))),
            Field("Quota: size", "quotaBytes", quota(quotas.bytes, Field.Value.bytes)),
            Field("Quota: records a day", "quotaRecordsPerDay", quota(quotas.recordsPerDay)),
            Field("Quota: records a second", "quotaRecordsPerSecond", quota(quotas.recordsPerSecond)),
            Field("Revision", "revision", .number(revision)), Field("Created", "createdAt", .text(createdAt.description)),
        ]
    }
}
