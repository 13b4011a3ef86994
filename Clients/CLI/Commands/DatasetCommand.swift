import ArgumentParser
import Formats
import MessageExportClient

struct DatasetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset", abstract: "The message export dataset: what is kept.", subcommands: [Get.self])

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the record of a message.",
            discussion: """
                JSON output is the exported row; one line for each submitter that used the message id.

                EXAMPLES
                  msgexport dataset get 2026-11-23-order-4711
                  msgexport dataset get 2026-11-23-order-4711 -o json
                """)

        @Argument(help: "The sender's id of the message.")
        var messageID: String

        @OptionGroup var connection: Connection

        func run() async throws {
            let records = try await connection.withClient { try await $0.records(messageID: messageID) }
            for record in records {
                switch connection.output {
                case .table:
                    Terminal.show(record.fields, as: .table)
                case .json:
                    var json = JSONWriter()
                    RecordRow(record).write(to: &json)
                    Terminal.print(json.text)
                }
            }
        }
    }
}

extension Record {
    /// For people; the exported row is for programs.
    var fields: [Field] {
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
        func list(_ addresses: [Address]) -> String {
            addresses.map { address in address.name.map { "\($0) <\(address.email)>" } ?? address.email }.joined(separator: ", ")
        }
        switch message.content {
        case .email(let email):
            add("From", email.from.map { list([$0]) })
            add("To", list(email.to))
            add("Cc", list(email.cc))
            add("Bcc", list(email.bcc))
            add("Subject", email.subject)
            add("Text", email.text)
            add("HTML", email.html)
            for attachment in email.attachments {
                add("Attachment", "\(attachment.name ?? "unnamed") (\(attachment.type), \(attachment.content.count) bytes)")
            }
        case .sms(let sms):
            add("From", sms.senderNumbers.joined(separator: ", "))
            add("To", sms.recipientNumber)
            add("Text", sms.text)
        }
        return fields
    }
}
