import ArgumentParser
import MessageExportClient

struct ConfigurationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configuration", abstract: "Channel configurations: which messages may be kept and exported.",
        subcommands: [Create.self, Submit.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a channel configuration.",
            discussion: """
                Without --submit it is a draft, and messages sent with it are refused until it is submitted.

                EXAMPLES
                  msgexport configuration create newsletter --channel email --message-export on --submit
                  msgexport configuration create reminders --channel sms
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: "What is sent with it: \(Channel.allCases.map(\.rawValue).joined(separator: " or ")).")
        var channel: Channel

        @Option(help: "Whether messages sent with it are kept and exported.")
        var messageExport: OnOff = .off

        @Flag(help: "Put it in force at once.")
        var submit = false

        @OptionGroup var connection: Connection

        func run() async throws {
            let made = try await connection.withClient {
                try await $0.createConfiguration(
                    name: name, channel: channel, messageExport: messageExport == .on, submit: submit)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a draft in force.",
            discussion: """
                EXAMPLE
                  msgexport configuration submit reminders
                """)

        @Argument(help: "Name of a draft.")
        var name: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let submitted = try await connection.withClient { try await $0.submitConfiguration(name: name) }
            Terminal.show(submitted.fields, as: connection.output)
        }
    }
}

extension ChannelConfiguration {
    var fields: [Field] {
        [
            Field("Configuration", "name", .text(name)), Field("Id", "id", .text(id)),
            Field("Channel", "channel", .text(channel.name)), Field("State", "state", .text(state.rawValue)),
            Field("Version", "version", .number(UInt64(version))), Field("Message export", "messageExport", .flag(messageExport)),
            Field("Created", "createdAt", .text(createdAt.description)),
        ]
    }
}
