import ArgumentParser
import Foundation
import MessageExportClient

struct DestinationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination", abstract: "Destinations: where dataflows deliver.",
        discussion: """
            An administrator approves hosts and folders first: msgexport organization approve. Secrets are sealed, and never shown again.

            EXAMPLES
              msgexport organization approve local-root /srv
              msgexport destination create archive --type local --path /srv/archive
              msgexport destination types s3
              msgexport destination test archive
            """,
        subcommands: [Create.self, Edit.self, Test.self, List.self, Show.self, Types.self, Delete.self])

    /// The name of one that is there.
    struct Name: ParsableArguments {
        @Argument(help: "Its name.", completion: .names(of: .destination))
        var name: String

        @OptionGroup var connection: Connection

        /// Does what the command is for, and shows the destination.
        func show(_ body: (MessageExportClient) async throws -> Destination) async throws {
            let destination = try await connection.withClient(naming: .destination, name, body)
            Terminal.show(destination.fields, as: connection.output)
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a destination.",
            discussion: """
                The daemon tries it at once: it must be able to write, read, list and remove there. 'destination types TYPE' tells what \
                each type needs.

                EXAMPLES
                  msgexport destination create archive --type local --path /srv/archive
                  msgexport destination create bucket --type s3 --bucket exports \\
                    --region eu-west-1 --access-key-id AKIAIOSFODNN7EXAMPLE \\
                    --secret secret_access_key=/run/secrets/s3
                  msgexport destination create drop --type sftp --host sftp.example.com \\
                    --path incoming --user acme --host-key sftp.keys \\
                    --secret private_key=/run/secrets/sftp
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: "What kind of storage it is.")
        var type: DestinationType

        @OptionGroup(title: "Settings") var options: DestinationOptions
        @OptionGroup var connection: Connection

        func run() async throws {
            let settings = Destination.Settings(type: type, values: try options.values(of: type))
            let secrets = try options.secrets()
            let made = try await connection.withClient {
                try await $0.createDestination(name: name, settings: settings, secrets: secrets, skipTest: options.skipTest)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes what is given of a destination.",
            discussion: """
                The daemon tries it at once. What was delivered stays where it is; the runs to come deliver to the new place. Another place \
                is refused while a run delivers; a new secret is taken at any time, and runs that wait go on with it.

                EXAMPLES
                  msgexport destination edit archive --path /srv/archive-2
                  msgexport destination edit bucket --secret secret_access_key=- < new-key
                """)

        @Option(help: ArgumentHelp("A setting to take away; may be given several times.", valueName: "name"))
        var unset: [String] = []

        @OptionGroup(title: "Settings") var options: DestinationOptions
        @OptionGroup var named: Name

        func run() async throws {
            let secrets = try options.secrets()
            try await named.show { client in
                let type = try await client.destination(name: named.name).settings.type
                var values = try options.values(of: type)
                for name in unset { values[name.replacingOccurrences(of: "-", with: "_")] = "" }
                return try await client.editDestination(
                    name: named.name, settings: values, secrets: secrets, skipTest: options.skipTest)
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a small file, reads it back, lists it and removes it.",
            discussion: """
                Tells which of these fails, and why. The exit code is 0 when none does.

                EXAMPLE
                  msgexport destination test archive
                """)

        @OptionGroup var named: Name

        func run() async throws {
            let checks = try await named.connection.withClient(naming: .destination, named.name) {
                try await $0.testDestination(name: named.name)
            }
            Terminal.show(checks.map(\.fields), columns: ["Step", "Outcome", "What to do"], as: named.connection.output)
            if checks.contains(where: { $0.error != nil }) { throw ExitCode(ExitStatus.code(for: .failedPrecondition)) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows all destinations of the sandbox.",
            discussion: """
                EXAMPLES
                  msgexport destination list
                  msgexport destination list -o json
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let destinations = try await connection.withClient { try await $0.destinations() }
            let end = destinations.contains { $0.expiresAt != nil } ? ["Signature ends"] : []
            Terminal.show(destinations.map(\.fields), columns: ["Destination", "Type", "Place"] + end, as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one destination.",
            discussion: """
                Of secrets it tells that they are set, and since when.

                EXAMPLE
                  msgexport destination show archive
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.destination(name: named.name) }
        }
    }

    struct Types: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells what types of destinations there are, and what each needs.",
            discussion: """
                EXAMPLES
                  msgexport destination types
                  msgexport destination types sftp
                  msgexport destination types rclone --backend webdav
                """)

        @Argument(help: "A type; without it all are listed.")
        var type: DestinationType?

        @Option(help: ArgumentHelp("For rclone: the backend.", valueName: "name"))
        var backend: String?

        @OptionGroup var connection: Connection

        func run() throws {
            guard let type else {
                return Terminal.show(
                    DestinationType.allCases.map(\.fields), columns: ["Type", "What it is"], as: connection.output)
            }
            Terminal.show(
                type.options(backend: backend).map(\.fields), columns: ["Setting", "Kind", "What it is"], as: connection.output)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a destination that no dataflow exports to, and shows what it was.",
            discussion: """
                What was delivered stays where it is. Its secrets are gone.

                EXAMPLE
                  msgexport destination delete archive
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.deleteDestination(name: named.name) }
        }
    }
}

extension DestinationType {
    var fields: [Field] {
        let words =
            switch self {
            case .local: "a folder of the daemon's machine"
            case .s3: "Amazon S3, and what speaks its protocol"
            case .gcs: "Google Cloud Storage"
            case .azureBlob: "Azure Blob Storage"
            case .adlsGen2: "Azure Data Lake Storage Gen2"
            case .dataLandingZone: "a container that you were given a signature for"
            case .sftp: "a folder of an SSH server"
            case .rclone: "a further backend of rclone's"
            }
        return [Field("Type", "type", .text(rawValue)), Field("What it is", "description", .text(words))]
    }
}

extension DestinationOption {
    var fields: [Field] {
        let kind = [isSecret ? "secret" : nil, isRequired ? "required" : nil].compactMap(\.self).joined(separator: ", ")
        return [
            Field("Setting", "name", .text(name)), Field("Kind", "kind", kind.isEmpty ? .none("optional") : .text(kind)),
            Field("What it is", "description", .text(help)),
            Field("Default", "default", standard.map { .text($0) } ?? .none("none")),
        ]
    }
}

extension DestinationCheck {
    var fields: [Field] {
        [
            Field("Step", "step", .text(step.rawValue)), Field("Outcome", "error", error.map { .text($0) } ?? .none("done")),
            Field("What to do", "hint", hint.map { .text($0) } ?? .none("")),
        ]
    }
}

extension Destination {
    var fields: [Field] {
        let options = settings.type.options(backend: settings["backend"])
        let shown = options.compactMap { option -> Field? in
            if option.isSecret {
                guard let since = secrets[option.name] else { return nil }
                return Field(option.label, option.key, .text("set, \(since)"))
            }
            return settings.values[option.name].map {
                Field(option.label, option.key, .text($0.split(separator: "\n").joined(separator: "; ")))
            }
        }
        return [
            Field("Destination", "name", .text(name)), Field("Id", "id", .text(id)),
            Field("Type", "type", .text(settings.type.rawValue)), Field("Place", "place", .text(settings.place)),
        ] + shown + [
            Field("Signature ends", "expiresAt", expiresAt.map { .text($0.description) } ?? .none("-")),
            Field("Created", "createdAt", .text(createdAt.description)),
        ]
    }
}

extension DestinationOption {
    fileprivate var label: String { name.prefix(1).uppercased() + name.dropFirst().replacingOccurrences(of: "_", with: " ") }

    fileprivate var key: String {
        let words = name.split(separator: "_")
        return words.prefix(1).joined() + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}

extension Destination.Settings {
    /// For people, in one line.
    fileprivate var place: String {
        let path = values["path"].map { "/\($0)" } ?? ""
        switch type {
        case .local: return values["path"] ?? ""
        case .s3, .gcs: return "\(type.rawValue)://\(values["bucket"] ?? "")\(path)"
        case .azureBlob, .adlsGen2, .dataLandingZone:
            return "\(type.rawValue)://\(values["account"].map { "\($0)/" } ?? "")\(values["container"] ?? "")\(path)"
        case .sftp: return "sftp://\(values["user"] ?? "")@\(values["host"] ?? ""):\(self["port"] ?? "")\(path)"
        case .rclone:
            let host = values["url"] ?? values["host"] ?? values["bucket"] ?? values["container"] ?? ""
            return "\(values["backend"] ?? ""):\(host)\(path)"
        }
    }
}
