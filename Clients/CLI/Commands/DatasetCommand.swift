import ArgumentParser
import Formats
import MessageExportClient

struct DatasetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset", abstract: "The message export dataset: what is kept.",
        discussion: """
            EXAMPLES
              msgexport dataset show
              msgexport dataset preview -n 20
              msgexport dataset get order-4711 --eml >order-4711.eml
              msgexport dataset query --recipient ada@example.com
              msgexport dataset tail
            """,
        subcommands: [
            Show.self, Preview.self, Get.self, Query.self, Tail.self, Verify.self, Compact.self, Erase.self, Receipt.self,
        ])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how much there is, day by day, and when it expires.",
            discussion: """
                EXAMPLES
                  msgexport dataset show
                  msgexport dataset show -o json
                """)

        @OptionGroup var connection: Connection

        func run() async throws {
            let dataset = try await connection.withClient { try await $0.dataset() }
            let days = dataset.days.map { day in
                [
                    Field("Day", "day", .text(day.day)), Field("Records", "records", .number(day.records)),
                    Field("Segments", "segments", .number(UInt64(day.segments))),
                    Field("Size on disk", "storedBytes", .bytes(day.storedBytes)),
                    Field("Expires", "expiresAt", .text(day.expiresAt.description)),
                ]
            }
            let configurations = dataset.days.flatMap { day in
                day.configurations.map { count in
                    [
                        Field("Day", "day", .text(day.day)),
                        Field("Configuration", "configuration", .text(count.configuration)),
                        Field("Records", "records", .number(count.records)),
                    ]
                }
            }
            Terminal.show(
                [
                    Field("Sandbox", "sandbox", .text(dataset.sandbox)), Field("Epoch", "epoch", .number(UInt64(dataset.epoch))),
                    Field("Time zone", "timeZone", .text(dataset.timeZone)),
                    Field("Retention days", "retentionDays", .number(UInt64(dataset.retentionDays))),
                    Field("Records", "records", .number(dataset.records)),
                    Field("First sequence", "firstSequence", .number(dataset.firstSequence)),
                    Field("Last sequence", "lastSequence", .number(dataset.lastSequence)), Field("Days", "days", .rows(days)),
                    Field("By configuration", "configurations", .rows(configurations)),
                ], as: connection.output)
        }
    }

    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the newest records, the newest first.",
            discussion: """
                JSON output is the exported row, one a line.

                EXAMPLES
                  msgexport dataset preview
                  msgexport dataset preview -n 100 -o json
                """)

        @Option(name: [.customShort("n"), .customLong("limit")], help: "How many.")
        var limit = Limits.recordsPreviewedDefault

        @OptionGroup var connection: Connection

        func validate() throws {
            guard limit > 0 else { throw ValidationError("-n is at least 1") }
        }

        func run() async throws {
            let records = try await connection.withClient { try await $0.newestRecords(limit) }
            switch connection.output {
            case .table:
                Terminal.show(records.map(\.summary), columns: Record.summaryColumns, as: .table)
            case .json:
                for record in records { record.showRow() }
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the record of a message.",
            discussion: """
                JSON output is the exported row; one line for each submitter that used the message id. --eml writes the mail byte for byte \
                as it was ingested, --html its HTML body.

                EXAMPLES
                  msgexport dataset get order-4711
                  msgexport dataset get order-4711 -o json
                  msgexport dataset get order-4711 --eml >order-4711.eml
                  msgexport dataset get order-4711 --html >order-4711.html
                """)

        @Argument(help: "The sender's id of the message.")
        var messageID: String

        @Flag(help: "Write the mail as it was ingested.")
        var eml = false

        @Flag(help: "Write the HTML body.")
        var html = false

        @OptionGroup var connection: Connection

        func validate() throws {
            guard !(eml && html) else { throw ValidationError("--eml and --html are two different outputs: give one") }
            guard !(eml || html) || connection.output == .table else {
                throw ValidationError("-o json shows the row; it has no place beside --eml or --html")
            }
        }

        func run() async throws {
            let records = try await connection.withClient {
                try await $0.records(messageID: messageID, view: eml ? .raw : .row)
            }
            guard eml || html else {
                for (index, record) in records.enumerated() {
                    if connection.output == .json {
                        record.showRow()
                    } else {
                        if index > 0 { Terminal.print("") }
                        Terminal.show(record.fields, as: .table)
                    }
                }
                return
            }
            guard let record = records.first, records.count == 1 else {
                throw Status(
                    .failedPrecondition, "\(records.count) submitters used the message id, and one output has room for one",
                    field: "message_id", hint: "-o json shows them all")
            }
            Terminal.write(try content(of: record))
        }

        private func content(of record: Record) throws(Status) -> [UInt8] {
            guard case .email(let email) = record.message.content else {
                throw Status(.failedPrecondition, "the message is an SMS, not a mail", hint: "leave --eml and --html away")
            }
            if eml {
                guard !email.raw.isEmpty else {
                    throw Status(
                        .notFound, "the sender did not hand over the mail as it was sent", field: "email.raw",
                        hint: "-o json shows its parts")
                }
                return email.raw
            }
            guard let html = email.html else {
                throw Status(
                    .notFound, "the mail has no HTML body", field: "email.html", hint: "leave --html away to see its text")
            }
            return Array(html.utf8)
        }
    }
}

extension Record {
    /// Writes the exported row as a line.
    func showRow() {
        var json = JSONWriter()
        RecordRow(self).write(to: &json)
        Terminal.print(json)
    }

    static let summaryColumns = ["Sequence", "Ingested", "Configuration", "Message", "To", "Content"]

    /// The summary as one line that does not wait for the others.
    var line: String {
        summary.map { Terminal.printable($0.value.text) }.joined(separator: "  ")
    }

    /// What a row of a table has room for.
    var summary: [Field] {
        let (recipient, content) =
            switch message.content {
            case .email(let email): (email.to.first?.email ?? "", email.subject ?? "")
            case .sms(let sms): (sms.recipientNumber, sms.text)
            }
        return [
            Field("Sequence", "sequence", .number(sequence)), Field("Ingested", "ingestedAt", .text(ingestedAt.description)),
            Field("Configuration", "configuration", .text(message.configuration)),
            Field("Message", "messageId", .text(message.id.value)), Field("To", "to", .text(recipient)),
            Field("Content", "content", .text(content)),
        ]
    }

    /// For people; the exported row is for programs.
    fileprivate var fields: [Field] {
        var fields = [
            Field("Message", "messageId", .text(message.id.value)),
            Field("Channel", "channel", .text(message.content.channel.name)),
            Field("Configuration", "configuration", .text("\(message.configuration), version \(configurationVersion)")),
            Field("Sequence", "sequence", .number(sequence)), Field("Sent", "sentAt", .text(sentAt.description)),
            Field("Ingested", "ingestedAt", .text(ingestedAt.description)),
            Field("Expires", "expiresAt", .text(expiresAt.description)),
            Field("Submitted by", "submitter", .text("uid \(submitter)")),
        ]
        func add(_ label: String, _ text: String?) {
            if let text, !text.isEmpty { fields.append(Field(label, label, .text(text))) }
        }
        add("Delivery state", message.deliveryState?.rawValue)
        add("Campaign", message.execution.campaignID)
        add("Journey version", message.execution.journeyVersionID)
        if message.profile.isTestExecution == true { add("Test", "yes") }
        switch message.content {
        case .email(let email): for (label, text) in email.described { add(label, text) }
        case .sms(let sms):
            add("From", sms.senderNumbers.joined(separator: ", "))
            add("To", sms.recipientNumber)
            add("Title", sms.title)
            add("Media", sms.media)
            add("Text", sms.text)
        }
        return fields
    }
}

extension Email {
    /// What it says, by labels.
    fileprivate var described: [(String, String?)] {
        func list(_ addresses: [Address]) -> String {
            addresses.map { address in address.name.map { "\($0) <\(address.email)>" } ?? address.email }.joined(separator: ", ")
        }
        return [
            ("From", from.map { list([$0]) }), ("To", list(to)), ("Cc", list(cc)), ("Bcc", list(bcc)),
            ("Reply to", list(replyTo)), ("Subject", subject), ("Text", text), ("HTML", html),
        ]
            + attachments.map { ("Attachment", "\($0.name ?? "unnamed") (\($0.type), \($0.size) bytes)") }
    }
}
