import ArgumentParser
import Audit
import Formats
import Foundation
import MessageExportClient

extension DatasetCommand {
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Erases all records that were sent to a recipient, and gives a signed receipt.",
            discussion: """
                A message to several people is erased whole. When the command returns, keys and data of the records are destroyed; their \
                message ids stay known until they would have expired, so that no retry brings them back. What was exported is not here any \
                more, and is not erased. For administrators; the sandbox must be named.

                EXAMPLES
                  msgexport dataset erase --sandbox prod --recipient ada@example.com \\
                    --confirm ada@example.com -o json >receipt.json
                  msgexport dataset receipt receipt.json --public-key key.hex
                """)

        @Option(help: "Address or number.")
        var recipient: String

        @Option(help: ArgumentHelp("It again.", valueName: "recipient"))
        var confirm: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let receipt = try await connection.withClient { try await $0.eraseRecords(recipient: recipient, confirm: confirm) }
            Terminal.show(
                [
                    Field("Records erased", "records", .number(receipt.records)),
                    Field("Segments rewritten", "segments", .number(UInt64(receipt.segments))),
                    Field("Through sequence", "throughSequence", .number(receipt.throughSequence)),
                    Field("Statement", "statement", .text(receipt.statement)),
                    Field("Signature", "signature", .text(hexadecimal(receipt.signature))),
                ], as: connection.output)
        }
    }

    struct Receipt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks a receipt of an erasure, without the daemon.",
            discussion: """
                Exits with 11 when it is not what the organization signed.

                EXAMPLE
                  msgexport dataset receipt receipt.json --public-key key.hex
                """)

        @Argument(help: ArgumentHelp("What 'dataset erase -o json' wrote.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("File with the organization's public key: 64 hexadecimal digits.", valueName: "file"))
        var publicKey: String

        private struct Content: Decodable {
            let statement: String
            let signature: String
        }

        func run() throws {
            let key = try PublicKeyFile.read(publicKey)
            guard let content = try? JSONDecoder().decode(Content.self, from: Data(contentsOf: URL(fileURLWithPath: file))),
                let signature = bytes(hexadecimal: content.signature)
            else { throw ValidationError("\(file) is no receipt: a JSON object with statement and signature is expected") }
            guard SigningKey.isValid(signature, of: Array(content.statement.utf8), publicKey: key) else {
                throw Status(.dataLoss, "the receipt is not what was signed, or was signed with another key")
            }
            Terminal.print(content.statement)
        }
    }

    struct Compact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compresses all that is stored now, under new keys.",
            discussion: """
                The daemon does so by itself when nobody writes; this does not wait for that, and gives what is compressed already new keys \
                too. The old keys are destroyed. For administrators.

                EXAMPLE
                  msgexport dataset compact
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let report = try await connection.withClient { try await $0.compactDataset() }
            Terminal.show(
                [
                    Field("Segments made", "segments", .number(UInt64(report.segments))),
                    Field("Size before", "bytesBefore", .bytes(report.bytesBefore)),
                    Field("Size after", "bytesAfter", .bytes(report.bytesAfter)),
                ], as: connection.output)
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads all that is stored and compares it with what was written.",
            discussion: """
                Keys in both copies, data and indexes, to the last byte. Names what is damaged and how many records that are, and exits with \
                11 then. 'msgexportd check --repair' mends keys and indexes.

                EXAMPLE
                  msgexport dataset verify
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let found = try await connection.withClient { client in
                var bar = ProgressBar()
                let found = try await client.verifyDataset { step in
                    bar.show(step.bytes, of: step.bytesToRead, "\(step.bytes >> 20) of \(step.bytesToRead >> 20) MiB")
                }
                bar.end()
                return found
            }
            Terminal.show(
                [
                    Field("Segments", "segments", .number(found.segments)), Field("Batches", "batches", .number(found.batches)),
                    Field("Records", "records", .number(found.records)), Field("Size", "bytes", .bytes(found.bytes)),
                    Field("Result", "result", .text(found.problems.isEmpty ? "good" : "\(found.problems.count) problems")),
                    Field("Problems", "problems", .rows(found.problems.map { [Field("Problem", "problem", .text($0))] })),
                ], as: connection.output)
            guard found.problems.isEmpty else { throw ExitCode(ExitStatus.code(for: .dataLoss)) }
        }
    }
}
