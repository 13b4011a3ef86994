import ArgumentParser
import MessageExportClient

struct TimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time", abstract: "The daemon's clock, and whether it is believed. For administrators.",
        discussion: """
            Records are dated and destroyed by the daemon's trusted time. That is the machine's clock, unless it was set back, moved more \
            than \(Limits.clockToleranceSeconds / 60) minutes against the time since the machine started, or was more than \
            \(Limits.clockAheadDays) days ahead at a start: then nothing is destroyed until the clock agrees again or is confirmed.

            EXAMPLES
              msgexport time show
              msgexport time confirm 2026-11-25T09:30:00Z
            """,
        subcommands: [Show.self, Confirm.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the trusted time and the machine's clock.",
            discussion: """
                EXAMPLE
                  msgexport time show
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let reading = try await connection.withClient { try await $0.time() }
            Terminal.show(reading.fields, as: connection.output)
        }
    }

    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says that the machine's clock is right.",
            discussion: """
                Name the time that it shows, from a watch you trust. It is believed from when the command returns.

                EXAMPLE
                  msgexport time confirm 2026-11-25T09:30:00Z
                """)

        @Argument(
            help: ArgumentHelp("What time it is, within \(Limits.clockToleranceSeconds / 60) minutes.", valueName: "time"),
            transform: Instant.argument)
        var time: Instant

        @OptionGroup var connection: Connection

        func run() async throws {
            let reading = try await connection.withClient { try await $0.confirmTime(wall: time) }
            Terminal.show(reading.fields, as: connection.output)
        }
    }
}

extension ClockReading {
    var fields: [Field] {
        [
            Field("Trusted time", "trusted", .text(trusted.description)),
            Field("Machine's clock", "wall", .text(wall.description)),
            Field("Doubt", "doubt", .text(doubt?.rawValue ?? "none")),
        ]
    }
}
