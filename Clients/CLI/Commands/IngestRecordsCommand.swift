import ArgumentParser
import Formats
import MessageExportClient
import SystemPackage

struct IngestRecordsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "records",
        abstract: "Ingests records that were exported: one JSON row a line, compressed with gzip or not.",
        discussion: """
            Ids and times of sending are those of the rows. Sequence, times of ingestion and expiry, sandbox and configuration are new. \
            Attachments' bytes and mails as they were sent come along where the dataflow exported them (--include-raw); else the \
            attachments' names, sizes and SHA-256 do. A folder stands for the files of an export in it; manifests are passed over.

            They are for another daemon, or another user: where a record came from its id is taken, and a row that says more than its \
            sender did, such as when it was sent, is refused there as other content (ALREADY_EXISTS).

            A line that is no such row is named, and the rest goes on; the exit code is that of the first such line.

            EXAMPLES
              msgexport ingest records part-00000-5f0c7c1e.json.gz
              zcat *.json.gz | grep order-4711 | msgexport ingest records -
            """)

    @Argument(help: "Files, folders, or - for standard input.", completion: .file())
    var paths: [String]

    @Option(
        help: ArgumentHelp(
            "The channel configuration to ingest them with. Default: the one that each row names.", valueName: "name"),
        completion: .names(of: .configuration))
    var configuration: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        let inputs = InputFile.all(paths).filter { !$0.isManifest || paths.contains($0.name) }
        var rows = Rows(inputs, configuration: configuration)
        try await connection.withClient { client in
            try await IngestReport(connection.output.report, isOne: false).run(.daemon(client)) { rows.next() }
        }
    }

    /// The rows of some files, one after the other.
    private struct Rows: ~Copyable {
        private let configuration: String?
        private var remaining: ArraySlice<InputFile>
        private var current: LineReader?
        private var name = ""
        private var number = 0

        init(_ inputs: [InputFile], configuration: String?) {
            self.configuration = configuration
            remaining = inputs[...]
        }

        /// The next row, or why the rest of a file has none; nil: that was all.
        mutating func next() -> IngestItem? {
            let configuration = configuration
            while true {
                do throws(Status) {
                    guard let line = try current?.next() else {
                        guard let input = remaining.popFirst() else { return nil }
                        (name, number) = (input.name, 0)
                        current = LineReader(try input.open())
                        continue
                    }
                    number += 1
                    guard number > 1 || !line.starts(with: "PAR1".utf8) else {
                        throw Status(
                            .invalidArgument, "it is a Parquet file", hint: "export as json what is to be ingested elsewhere")
                    }
                    guard !line.isEmpty, line != [UInt8(ascii: "\r")] else { continue }
                    return IngestItem("\(name), line \(number)", { line }) { (line) throws(Status) in
                        try RecordRow.message(line, configuration: configuration)
                    }
                } catch {
                    current = nil
                    return IngestItem(name, { () throws(Status) in throw error }) { (_) throws(Status) in throw error }
                }
            }
        }
    }
}

extension InputFile {
    fileprivate var isManifest: Bool {
        if case .file(let path) = self { path.lastComponent?.string.hasPrefix("manifest-") == true } else { false }
    }
}
