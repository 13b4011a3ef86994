import ArgumentParser
import Audit
import Disk
import Formats
import Foundation
import MessageExportClient
import SystemPackage

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "What was done, and by whom: chains of events that cannot be changed unseen.",
        discussion: """
            Each sandbox has a chain, for its auditors, and the organization has one, for administrators. Each event is hashed with the \
            one before it, and the ends of a chain are signed. They are kept for \(Limits.auditDays) days.

            EXAMPLES
              msgexport audit list
              msgexport audit list --organization --action grant.create
              msgexport audit verify
              msgexport audit export audit.ndjson
              msgexport audit verify audit.ndjson --public-key key.hex
            """,
        subcommands: [List.self, Export.self, Verify.self])

    /// Which chain.
    struct ChainChoice: ParsableArguments {
        @Flag(help: "The organization's chain instead of the sandbox's.")
        var organization = false

        @OptionGroup var connection: Connection
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows events, in order.",
            discussion: """
                EXAMPLES
                  msgexport audit list -n 20
                  msgexport audit list --outcome refused --since 2d
                """)

        @Option(
            name: [.customShort("n"), .long],
            help: ArgumentHelp("The newest so many of these. Default: all.", valueName: "number"))
        var limit: Int?

        @Option(help: ArgumentHelp("Only what this user did, by name or id.", valueName: "user"))
        var user: String?

        @Option(help: ArgumentHelp("Only this, such as configuration.edit.", valueName: "action"))
        var action: AuditEvent.Action?

        @Option(help: "Only what ended so.")
        var outcome: AuditEvent.Outcome?

        @Option(help: ArgumentHelp("From then on: \(Instant.pastHelp).", valueName: "time"), transform: Instant.past)
        var since: Instant?

        @Option(help: ArgumentHelp("Before then; as --since.", valueName: "time"), transform: Instant.past)
        var until: Instant?

        @OptionGroup var chain: ChainChoice

        func validate() throws {
            guard limit ?? 1 > 0 else { throw ValidationError("-n is at least 1") }
        }

        func run() async throws {
            var query = MessageExportClient.AuditQuery(organization: chain.organization)
            query.user = try user.map(UserNames.user)
            query.action = action
            query.outcome = outcome
            query.since = since
            query.until = until
            query.limit = limit
            let wanted = query
            let events = try await chain.connection.withClient { client in
                var events: [AuditEvent] = []
                _ = try await client.auditEvents(wanted) { events += $0 }
                return events
            }
            Terminal.show(
                events.map(\.fields), columns: ["Number", "Time", "User", "Action", "Object", "Outcome", "Count", "Detail"],
                as: chain.connection.output)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a whole chain to a file, to be kept and verified elsewhere.",
            discussion: """
                One JSON object a line; the last one is the chain's signed head. The file must not be there, and is readable by you alone. The \
                public key is in 'msgexport organization show'.

                EXAMPLE
                  msgexport audit export audit.ndjson
                """)

        @Argument(help: ArgumentHelp("The file; - is standard output.", valueName: "file"))
        var file: String

        @OptionGroup var chain: ChainChoice

        func run() async throws {
            let query = MessageExportClient.AuditQuery(organization: chain.organization)
            guard file != "-" else { return Terminal.write(Array(try await lines(query).utf8)) }
            let (files, path) = (PosixFiles(), FilePath(file))
            do {
                // Whom it names is nobody else's business, and what somebody kept stays.
                let created = try files.create(path)
                do {
                    try created.write([Data(try await lines(query).utf8)], at: 0)
                    try created.sync()
                } catch {
                    try? files.remove(path)
                    throw error
                }
            } catch let error as DiskError {
                throw Status(
                    Status.Code(errno: error.errno), "\(error)", hint: error.errno == .fileExists ? "give another name" : nil)
            }
        }

        private func lines(_ query: MessageExportClient.AuditQuery) async throws -> String {
            try await chain.connection.withClient { client in
                var lines = ""
                let head = try await client.auditEvents(query) { events in
                    for event in events { lines += event.line + "\n" }
                }
                return lines + (head.map { $0.line + "\n" } ?? "")
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks a chain: in the daemon or, given a file, without it.",
            discussion: """
                Names the first event that is not as it was recorded, and exits with 11. Without a public key a file's signature is not \
                checked, and that is said.

                EXAMPLES
                  msgexport audit verify --organization
                  msgexport audit verify audit.ndjson --public-key key.hex
                """)

        @Argument(help: ArgumentHelp("What 'audit export' wrote. Default: the daemon's own.", valueName: "file"))
        var file: String?

        @Option(help: ArgumentHelp("File with the organization's public key: 64 hexadecimal digits.", valueName: "file"))
        var publicKey: String?

        @OptionGroup var chain: ChainChoice

        func validate() throws {
            guard file != nil || publicKey == nil else { throw ValidationError("--public-key is for a file") }
        }

        func run() async throws {
            let found = if let file { try verifyFile(file) } else { try await verifyInDaemon() }
            Terminal.show(
                [
                    Field("Events", "events", .number(found.events)), Field("Result", "result", .text(found.failure ?? "good")),
                    Field("Signature", "signature", .text(found.signature)),
                ], as: chain.connection.output)
            guard found.failure == nil else { throw ExitCode(ExitStatus.code(for: .dataLoss)) }
        }

        private typealias Found = (events: UInt64, failure: String?, signature: String)

        private func verifyInDaemon() async throws -> Found {
            let found = try await chain.connection.withClient { try await $0.verifyAudit(organization: chain.organization) }
            return (found.events, found.failure, "checked")
        }

        private func verifyFile(_ path: String) throws -> Found {
            let key = try publicKey.map(PublicKeyFile.read)
            let signature = key == nil ? "not checked: give --public-key" : "checked"
            var events: [AuditEvent] = []
            var head: AuditHead?
            for (index, line) in try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n"))
                .enumerated()
            {
                switch AuditLine(line) {
                case .event(let event): events.append(event)
                case .head(let found): head = found
                case nil: return (UInt64(events.count), "line \(index + 1) is no event and no head of a chain", signature)
                }
            }
            guard let head else { return (UInt64(events.count), "the chain's head is missing", signature) }
            do throws(AuditVerifier.Break) {
                var verifier = try AuditVerifier(head, publicKey: key)
                for event in events { try verifier.take(event) }
                try verifier.finish()
                return (UInt64(events.count), nil, signature)
            } catch {
                return (UInt64(events.count), error.description, signature)
            }
        }
    }
}
