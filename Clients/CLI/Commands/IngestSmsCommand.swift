import ArgumentParser
import MessageExportClient

struct IngestSmsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sms", abstract: "Ingests an SMS, or an MMS.",
        discussion: """
            EXAMPLES
              msgexport ingest sms --configuration due --from 24365 --to +12025550123 \\
                "At 9 🦷"
              msgexport ingest sms --configuration due --from 24365 --to +12025550123 \\
                - <text
            """)

    @Argument(help: "The text, or - to read it from standard input, without its last line end.")
    var text: String

    @Option(help: ArgumentHelp("Number it was sent from; repeat it for more.", valueName: "number"))
    var from: [String]

    @Option(help: ArgumentHelp("Number it was sent to; one message has one.", valueName: "number"))
    var to: [String]

    @Option(help: "Title of an MMS.")
    var title: String?

    @Option(help: ArgumentHelp("Where the media of an MMS is.", valueName: "url"))
    var media: String?

    @OptionGroup var envelope: Envelope
    @OptionGroup var spool: SpoolOptions
    @OptionGroup var connection: Connection

    func validate() throws {
        guard to.count == 1 else { throw ValidationError("an SMS is sent to one number: give --to once") }
    }

    func run() async throws {
        let input = text == "-" ? InputFile.standardInput : InputFile.text(text)
        var item: IngestItem? = IngestItem(
            input.name, { () throws(Status) in try input.read(limit: Limits.messageBytes) }, message)
        try await connection.withReceiver(spool.settings) { receiver in
            try await IngestReport(connection.output.report, isOne: true).run(receiver) { item.take() }
        }
    }

    private func message(_ bytes: [UInt8]) throws(Status) -> Message {
        guard var content = String(validating: bytes, as: UTF8.self) else {
            throw Status(.invalidArgument, "the text is not valid UTF-8")
        }
        if text == "-", content.last?.isNewline == true { content.removeLast() }
        let sms = Sms(senderNumbers: from, recipientNumber: to[0], text: content, title: title, media: media)
        let parts = ["\(from.count)"] + from + to + [title.map { "title \($0)" } ?? "", media.map { "media \($0)" } ?? ""]
        return Message(
            id: try envelope.id(parts, Array(content.utf8)), configuration: envelope.configuration, sentAt: envelope.sentAt,
            content: .sms(sms))
    }
}
