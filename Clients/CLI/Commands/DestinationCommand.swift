import ArgumentParser
import Foundation
import MessageExportClient
import SystemPackage

struct DestinationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination", abstract: "Destinations: where dataflows deliver.",
        discussion: """
            EXAMPLES
              msgexport destination create archive --type local --path /srv/archive
              msgexport destination list
            """,
        subcommands: [Create.self, Edit.self, List.self, Show.self, Delete.self])

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case local
    }

    /// The name of one that is there.
    struct Name: ParsableArguments {
        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var connection: Connection

        /// Does what the command is for, and shows the destination.
        func show(_ body: (MessageExportClient) async throws -> Destination) async throws {
            let destination = try await connection.withClient(naming: .destination, name, body)
            Terminal.show(destination.fields, as: connection.output)
        }
    }

    /// Where a destination is.
    struct Place: ParsableArguments {
        @Option(help: ArgumentHelp("For local: an existing folder of the daemon's machine.", valueName: "folder"))
        var path: String

        func validate() throws {
            guard !path.isEmpty else { throw ValidationError("--path is empty") }
        }

        var settings: Destination.Settings {
            let current = FilePath(FileManager.default.currentDirectoryPath)
            return .local(path: current.pushing(FilePath(path)).lexicallyNormalized().string)
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a destination.",
            discussion: """
                The daemon tries it at once: it must be able to write there.

                EXAMPLE
                  msgexport destination create archive --type local --path /srv/archive
                """)

        @Argument(help: "Its name: a letter, then letters, digits, '_', '.', '-'.")
        var name: String

        @Option(help: "What kind of storage it is.")
        var type: Kind

        @OptionGroup var place: Place
        @OptionGroup var connection: Connection

        func run() async throws {
            let made = try await connection.withClient {
                try await $0.createDestination(name: name, settings: place.settings)
            }
            Terminal.show(made.fields, as: connection.output)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes where a destination is.",
            discussion: """
                The daemon tries the new place at once. What was delivered stays where it is; the runs to come deliver to the new place. \
                Refused while a run delivers.

                EXAMPLE
                  msgexport destination edit archive --path /srv/archive-2
                """)

        @OptionGroup var place: Place
        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.editDestination(name: named.name, settings: place.settings) }
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
            Terminal.show(destinations.map(\.fields), columns: ["Destination", "Type", "Path"], as: connection.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one destination.",
            discussion: """
                EXAMPLE
                  msgexport destination show archive
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.destination(name: named.name) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a destination that no dataflow exports to, and shows what it was.",
            discussion: """
                What was delivered stays where it is.

                EXAMPLE
                  msgexport destination delete archive
                """)

        @OptionGroup var named: Name

        func run() async throws {
            try await named.show { try await $0.deleteDestination(name: named.name) }
        }
    }
}

extension Destination {
    var fields: [Field] {
        let (type, path) =
            switch settings {
            case .local(let path): ("local", path)
            }
        return [
            Field("Destination", "name", .text(name)), Field("Id", "id", .text(id)), Field("Type", "type", .text(type)),
            Field("Path", "path", .text(path)), Field("Created", "createdAt", .text(createdAt.description)),
        ]
    }
}
