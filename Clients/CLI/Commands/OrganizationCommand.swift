import ArgumentParser
import Formats
import MessageExportClient

struct OrganizationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organization", abstract: "The organization: its name and its entitlement. For administrators.",
        discussion: """
            EXAMPLES
              msgexport organization show
              msgexport organization set --message-export off
            """,
        subcommands: [Show.self, Set.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows it, with the public key that its signatures are checked with.",
            discussion: """
                EXAMPLE
                  msgexport organization show -o json
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let organization = try await connection.withClient { try await $0.organization() }
            Terminal.show(organization.fields, as: connection.output)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes its name or its entitlement.",
            discussion: """
                While the entitlement is off nothing is stored and no flag can be set; what is stored lives to its expiry. Messages sent \
                before it is on again are not kept.

                EXAMPLES
                  msgexport organization set --name "Example Corp"
                  msgexport organization set --message-export on
                """)

        @Option(help: ArgumentHelp("What people know it by.", valueName: "text"))
        var name: String?

        @Option(help: ArgumentHelp("Whether it is entitled to message export.", valueName: "on|off"))
        var messageExport: OnOff?

        @Option(help: ArgumentHelp("Only when this is its revision.", valueName: "number"))
        var ifVersion: UInt64?

        @OptionGroup var connection: Connection

        func validate() throws {
            guard name != nil || messageExport != nil else {
                throw ValidationError("nothing to change: give --name or --message-export")
            }
        }

        func run() async throws {
            let organization = try await connection.withClient {
                try await $0.editOrganization(
                    name: name, messageExport: messageExport.map { $0 == .on }, ifRevision: ifVersion)
            }
            Terminal.show(organization.fields, as: connection.output)
        }
    }
}

extension Organization {
    var fields: [Field] {
        [
            Field("Organization", "name", .text(name)), Field("Message export", "messageExport", .flag(messageExport)),
            Field("Signing key", "signingKey", .text(hexadecimal(signingKey))), Field("Revision", "revision", .number(revision)),
            Field("Created", "createdAt", .text(createdAt.description)),
        ]
    }
}
