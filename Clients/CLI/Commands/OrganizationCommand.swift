import ArgumentParser
import Formats
import Foundation
import MessageExportClient
import SystemPackage

struct OrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organization", abstract: "The organization: its name and its entitlement. For administrators.",
        discussion: """
            EXAMPLES
              msgexport organization show
              msgexport organization set --message-export off
              msgexport organization approve host sftp.example.com
            """,
        subcommands: [Show.self, Set.self, Approve.self, Withdraw.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows it, with the public key that its signatures are checked with, and what is approved.",
            discussion: """
                EXAMPLE
                  msgexport organization show -o json
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let organization = try await connection.withClient { try await $0.organization() }
            let approvals = try await connection.withClient { try await $0.approvals() }
            let fields = organization.fields + [Field("Approved", "approvals", .rows(approvals.map(\.fields)))]
            Terminal.show(fields, as: connection.output)
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

extension OrganizationCommand {
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets operators deliver to a host or a folder, or encrypt to a key.",
            discussion: """
                A host is HOST, HOST:PORT, or *.DOMAIN for all below a domain; a local-root is a folder of the daemon's machine, and stands \
                for what is below it; openpgp takes the file of a public key, or '-'.

                EXAMPLES
                  msgexport organization approve host sftp.example.com:2022
                  msgexport organization approve host '*.amazonaws.com'
                  msgexport organization approve local-root /srv/archive
                  msgexport organization approve openpgp archive.asc
                """)

        @Argument(help: "What it is.")
        var kind: Approval.Kind

        @Argument(help: "The host, the folder, or the file of the key.")
        var value: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let key = kind == .openPGP ? try Self.publicKey(in: value) : []
            let value = kind == .localRoot ? localRoot(value) : value
            let approval = try await connection.withClient { (client) throws(Status) in
                if kind == .openPGP { return try await client.approve(openPGP: key) }
                return try await client.approve(kind, value)
            }
            Terminal.show(approval.fields, as: connection.output)
        }

        private static func publicKey(in path: String) throws -> [UInt8] {
            let file = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
            guard let bytes = try? file?.read(upToCount: Limits.publicKeyBytes + 1) else {
                throw ValidationError("\(path) cannot be read; gpg --armor --export FINGERPRINT writes such a file")
            }
            return Array(bytes)
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraws an approval, and shows what it was.",
            discussion: """
                Destinations and dataflows that need it stay, and deliver no more: their runs fail, and are tried again while their records live.

                EXAMPLES
                  msgexport organization withdraw host sftp.example.com:2022
                  msgexport organization withdraw openpgp \\
                    1F415D2D1C4202B232B3B59AD6C1D6BAE7E10EE4
                """)

        @Argument(help: "What it is.")
        var kind: Approval.Kind

        @Argument(help: "The host, the folder, or the key's fingerprint.")
        var value: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let value = kind == .localRoot ? localRoot(value) : value
            let approval = try await connection.withClient { try await $0.withdraw(kind, value) }
            Terminal.show(approval.fields, as: connection.output)
        }
    }
}

/// A folder as it is from the root.
private func localRoot(_ path: String) -> String {
    FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized().string
}

extension Approval {
    var fields: [Field] {
        var fields = [Field("Approved", "kind", .text(kind.rawValue)), Field("Value", "value", .text(value))]
        if kind == .openPGP { fields.append(Field("Key of", "label", .text(label))) }
        return fields + [Field("Since", "createdAt", .text(createdAt.description))]
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
