import ArgumentParser
import MessageExportClient

struct ConfigurationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "configuration", abstract: "Channel configurations: which messages may be kept and exported.",
        discussion: """
            A configuration begins as a draft and takes messages once it is submitted. Editing an active one makes a pending version: \
            the one in force stays so until the pending one is submitted.

            EXAMPLES
              msgexport configuration create news --channel email \\
                --message-export on --submit
              msgexport configuration edit news --message-export off --submit
              msgexport configuration list
            """,
        subcommands: [
            Create.self, Edit.self, Submit.self, Deactivate.self, Activate.self, Duplicate.self, List.self, Show.self,
        ])

    /// The name of one that is there.
    struct Name: ParsableArguments {
        @Argument(help: "Its name.", completion: .names(of: .configuration))
        var name: String

        @OptionGroup var connection: Connection

        /// Does what the command is for, and shows the configuration as it is then.
        func show(_ body: (MessageExportClient) async throws -> ChannelConfiguration) async throws {
            let configuration = try await connection.withClient(naming: .configuration, name, body)
            try configuration.show(as: connection.output)
            if configuration.pending != nil, connection.output == .table {
                Terminal.complain("the change is not in force yet: msgexport configuration submit \(configuration.name)\n")
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a channel configuration.",
            discussion: """
                Without --submit it is a draft, and messages sent with it are refused until it is submitted.

                EXAMPLES
                  msgexport configuration create news --channel email \\
                    --message-export on --submit
                  msgexport configuration create reminders --channel sms
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: "What is sent with it: \(Channel.allCases.map(\.rawValue).joined(separator: " or ")).")
        var channel: Channel

        @OptionGroup(title: "Settings") var settings: SettingsOptions

        @Flag(help: "Put it in force at once.")
        var submit = false

        @OptionGroup var connection: Connection

        func run() async throws {
            let made = try await connection.withClient {
                try await $0.createConfiguration(
                    name: name, channel: channel, settings: settings.change.applied(to: ConfigurationSettings()), submit: submit)
            }
            try made.show(as: connection.output)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes a draft, or makes a pending version of an active one.",
            discussion: """
                With --submit the change is in force when the command returns. Messages already stored live to their expiry.

                EXAMPLES
                  msgexport configuration edit news --message-export off --submit
                  msgexport configuration edit reminders --message-export on
                """)

        @OptionGroup(title: "Settings") var settings: SettingsOptions

        @Flag(help: "Put the change in force at once.")
        var submit = false

        @Option(help: ArgumentHelp("Only when this is its newest version.", valueName: "number"))
        var ifVersion: UInt32?

        @OptionGroup var named: Name

        func validate() throws {
            guard !settings.change.isEmpty || submit else {
                throw ValidationError("nothing to change: give --message-export or another setting")
            }
        }

        func run() async throws {
            try await named.show {
                try await $0.editConfiguration(
                    name: named.name, settings.change, submit: submit, ifVersion: ifVersion)
            }
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts a draft, or a pending version, in force.",
            discussion: """
                EXAMPLE
                  msgexport configuration submit reminders
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.submitConfiguration(name: named.name) }
        }
    }

    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes no messages with it any more.",
            discussion: """
                Messages sent with it are refused from when the command returns. What is stored lives to its expiry.

                EXAMPLE
                  msgexport configuration deactivate reminders
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.deactivateConfiguration(name: named.name) }
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes messages with a deactivated one again.",
            discussion: """
                EXAMPLE
                  msgexport configuration activate reminders
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.activateConfiguration(name: named.name) }
        }
    }

    struct Duplicate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a draft with the settings of another one.",
            discussion: """
                EXAMPLE
                  msgexport configuration duplicate news news-fr
                """)

        @OptionGroup var named: Name

        @Argument(help: "Name of the new one: a letter, then letters, digits, '_', '.', '-'.")
        var newName: String

        func run() async throws {
            try await named.show { try await $0.duplicateConfiguration(name: named.name, as: newName) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows all configurations of the sandbox.",
            discussion: """
                EXAMPLES
                  msgexport configuration list
                  msgexport configuration list -o json
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let configurations = try await connection.withClient { try await $0.configurations() }
            Terminal.show(
                configurations.map(\.fields), columns: ["Configuration", "Channel", "State", "Version", "Message export"],
                as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one configuration.",
            discussion: """
                EXAMPLE
                  msgexport configuration show news
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.configuration(name: named.name) }
        }
    }
}
