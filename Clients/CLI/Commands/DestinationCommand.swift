import ArgumentParser
import Foundation
import MessageExportClient
import SystemPackage

struct DestinationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination", abstract: "Destinations: where dataflows deliver.", subcommands: [Create.self])

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case local
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

        @Option(help: ArgumentHelp("For local: an existing folder of the daemon's machine.", valueName: "folder"))
        var path: String

        @OptionGroup var connection: Connection

        func validate() throws {
            guard !path.isEmpty else { throw ValidationError("--path is empty") }
        }

        func run() async throws {
            let folder = FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized()
            let made = try await connection.withClient {
                try await $0.createDestination(name: name, settings: .local(path: folder.string))
            }
            Terminal.show(made.fields, as: connection.output)
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
