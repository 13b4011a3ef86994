import ArgumentParser
import Crypto
import Formats
import MessageExportClient

struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Hands sent messages to the daemon.",
        discussion: """
            EXAMPLES
              msgexport ingest email --configuration news ~/sent-mail/
              msgexport ingest sms --configuration due --from 24365 --to +12025550123 Now
              msgexport ingest records --configuration news part-00000.json.gz
            """,
        subcommands: [IngestEmailCommand.self, IngestSmsCommand.self, IngestRecordsCommand.self])
}

/// What a message was sent with.
struct Envelope: ParsableArguments {
    @Option(
        help: ArgumentHelp("The channel configuration the messages were sent with.", valueName: "name"),
        completion: .names(of: .configuration))
    var configuration: String

    @Option(
        help: ArgumentHelp(
            "The sender's id of it. Default: made from configuration, envelope and content, so the same again is a duplicate.",
            valueName: "id"))
    var messageID: String?

    @Option(
        help: ArgumentHelp("When it was sent, such as 2026-11-23T09:30:00Z. Default: now.", valueName: "time"),
        transform: Instant.argument)
    var sentAt: Instant?

    /// The id given or, where there is none, one that the same message gets again: SHA-256 of configuration, envelope and content,
    /// each behind its length.
    func id(_ envelope: [String], _ content: [UInt8]) throws(Status) -> MessageID {
        if let messageID { return try MessageID(messageID) }
        var hash = SHA256()
        for part in ([configuration] + envelope + (sentAt.map { ["sent at \($0)"] } ?? [])).map({ Array($0.utf8) }) + [content] {
            withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: part)
        }
        return try MessageID(hexadecimal(hash.finalize()))
    }
}
