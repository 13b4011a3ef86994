import ArgumentParser
import Formats
import Foundation
import MessageExportClient

struct ManifestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest", abstract: "Manifests: what runs delivered, signed.",
        discussion: """
            EXAMPLE
              msgexport manifest verify /srv/archive --public-key organization.pub
            """,
        subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks manifests and the files that they name, without the daemon.",
            discussion: """
                All manifests in the folder and below it: whether each was signed by the organization, counts what it lists, and has its files \
                as they were delivered; and whether those of a dataflow follow one another without a gap. Names what is wrong, and exits with \
                11 then. Files that no manifest names are listed: other things, or those of a run that has not finished.

                That a dataflow's newest manifests are missing cannot be seen from a folder: compare the sequence that it is exported through \
                with the cursor of 'msgexport dataflow show'. Without a key signatures are not checked, and it says so.

                EXAMPLES
                  msgexport organization show -o json >organization.json
                  msgexport manifest verify /srv/archive --public-key organization.json
                  msgexport manifest verify /srv/archive -o json
                """)

        @Argument(help: "Folder that dataflows exported to.", completion: .directory)
        var folder: String

        @Option(
            help: ArgumentHelp(
                "The organization's public key: 64 hexadecimal digits, a file of them, or what 'organization show -o json' says.",
                valueName: "key"))
        var publicKey: String?

        @OptionGroup var connection: Connection

        func run() throws {
            let key = try publicKey.map(PublicKeyFile.read)
            var check = FolderCheck(folder: URL(filePath: folder), publicKey: key)
            try check.run()
            let chains = check.chains.map { dataflow, chain in
                [
                    Field("Dataflow", "dataflow", .text(dataflow)), Field("Manifests", "manifests", .number(UInt64(chain.count))),
                    Field(
                        "Exported through", "throughSequence", .number(chain.map(\.manifest.window.throughSequence).max() ?? 0)),
                ]
            }
            Terminal.show(
                [
                    Field("Manifests", "manifests", .number(UInt64(check.found.count))),
                    Field("Files", "files", .number(check.files)), Field("Records", "records", .number(check.records)),
                    Field("Size", "bytes", .bytes(check.bytes)),
                    Field("Signatures", "signatures", .text(key == nil ? "NOT CHECKED: no --public-key" : "checked")),
                    Field("Result", "result", .text(check.problems.isEmpty ? "good" : "bad")),
                    Field("Dataflows", "dataflows", .rows(chains)),
                    Field(
                        "Problems", "problems",
                        .rows(
                            check.problems.map {
                                [Field("File", "file", .text($0.path)), Field("Problem", "problem", .text($0.text))]
                            })),
                    Field("Unlisted", "unlisted", .rows(check.unlisted.map { [Field("Unlisted file", "file", .text($0))] })),
                ], as: connection.output)
            guard check.problems.isEmpty else { throw ExitCode(ExitStatus.code(for: .dataLoss)) }
        }
    }
}
