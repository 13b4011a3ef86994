import ArgumentParser
import Glibc
import MessageExportClient

struct AccessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Who may do what. For administrators.",
        discussion: """
            Whoever has no role may do nothing. At its first start the daemon makes the user it runs as an administrator.

            ROLES
              sender         ingests
              viewer         sees names, states, counts, runs and status
              operator       also changes configurations, destinations and dataflows, and runs them
              auditor        sees what a viewer sees, and reads content and the audit
              administrator  sandboxes, roles, entitlement; reads no content

            EXAMPLES
              msgexport access grant sender --user mailer
              msgexport access grant operator --group ops --sandbox staging
              msgexport access list
            """,
        subcommands: [GrantRole.self, Revoke.self, List.self])

    /// Whom a role is given to.
    struct Receiver: ParsableArguments {
        @Argument(help: "One or several of \(Role.allCases.map(\.rawValue).joined(separator: ", ")).")
        var roles: [Role]

        @Option(help: ArgumentHelp("A user, by name or id.", valueName: "user"))
        var user: String?

        @Option(help: ArgumentHelp("Whoever is in a group, by name or id.", valueName: "group"))
        var group: String?

        @OptionGroup var connection: Connection

        func validate() throws {
            _ = try subject
            guard !roles.isEmpty else { throw ValidationError("name a role") }
        }

        /// Does something for each role, and shows what came of it.
        func forEachRole(_ body: (MessageExportClient, Role, Subject) async throws -> Grant) async throws {
            let subject = try subject
            let grants = try await connection.withClient { client in
                var grants: [Grant] = []
                for role in roles { grants.append(try await body(client, role, subject)) }
                return grants
            }
            Terminal.show(grants.map(\.fields), columns: Grant.columns, as: connection.output)
        }

        var subject: Subject {
            get throws {
                switch (user, group) {
                case (let user?, nil): .user(try UserNames.user(user))
                case (nil, let group?): .group(try UserNames.group(group))
                default: throw ValidationError("give --user or --group")
                }
            }
        }
    }

    struct GrantRole: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "grant", abstract: "Gives roles in a sandbox or, administrator, in the organization.",
            discussion: """
                It counts from when the command returns. What is there already stays as it is.

                EXAMPLES
                  msgexport access grant sender --user mailer
                  msgexport access grant viewer auditor --user 1001 --sandbox staging
                """)

        @OptionGroup var receiver: Receiver

        func run() async throws {
            try await receiver.forEachRole { client, role, subject in try await client.grant(role, to: subject) }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes roles away.",
            discussion: """
                Calls that begin from when the command returns are refused. The last administrator stays.

                EXAMPLE
                  msgexport access revoke sender --user mailer
                """)

        @OptionGroup var receiver: Receiver

        func run() async throws {
            try await receiver.forEachRole { client, role, subject in try await client.revoke(role, of: subject) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows all roles that were given.",
            discussion: """
                EXAMPLES
                  msgexport access list
                  msgexport access list --sandbox staging
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let grants = try await connection.withClient { try await $0.grants(sandbox: connection.sandbox) }
            Terminal.show(grants.map(\.fields), columns: Grant.columns, as: connection.output)
        }
    }
}

extension Grant {
    static let columns = ["Sandbox", "Role", "Kind", "Name", "Id"]

    var fields: [Field] {
        let (kind, id, name) =
            switch subject {
            case .user(let id): ("user", id, UserNames.name(ofUser: id))
            case .group(let id): ("group", id, UserNames.name(ofGroup: id))
            }
        return [
            Field("Sandbox", "sandbox", .text(sandbox ?? "(organization)")), Field("Role", "role", .text(role.rawValue)),
            Field("Kind", "kind", .text(kind)), Field("Name", "name", .text(name ?? "")), Field("Id", "id", .number(UInt64(id))),
            Field("Given", "createdAt", .text(createdAt.description)),
        ]
    }
}

/// Names of this machine's users and groups.
enum UserNames {
    static func user(_ name: String) throws -> UInt32 {
        if let user = getpwnam(name) { return user.pointee.pw_uid }
        guard let id = UInt32(name) else { throw ValidationError("there is no user \(name) on this machine") }
        return id
    }

    static func group(_ name: String) throws -> UInt32 {
        if let group = getgrnam(name) { return group.pointee.gr_gid }
        guard let id = UInt32(name) else { throw ValidationError("there is no group \(name) on this machine") }
        return id
    }

    static func name(ofUser id: UInt32) -> String? { getpwuid(id).map { String(cString: $0.pointee.pw_name) } }
    static func name(ofGroup id: UInt32) -> String? { getgrgid(id).map { String(cString: $0.pointee.gr_name) } }
}
