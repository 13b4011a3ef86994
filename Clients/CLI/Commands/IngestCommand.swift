import ArgumentParser
import Crypto
import Formats
import Foundation
import Mail
import MessageExportClient

struct IngestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Hands sent messages to the daemon.", subcommands: [EmailCommand.self, SmsCommand.self])

    /// What both kinds take.
    struct Envelope: ParsableArguments {
        @Option(help: ArgumentHelp("The channel configuration the messages were sent with.", valueName: "name"))
        var configuration: String

        @Option(
            help: ArgumentHelp(
                "The sender's id of it. Default: made from configuration, envelope and content, so the same again is a duplicate.",
                valueName: "id"))
        var messageID: String?

        @Option(
            help: ArgumentHelp("When it was sent, such as 2026-11-23T09:30:00Z. Default: now.", valueName: "time"),
            transform: SentAt.parse)
        var sentAt: Instant?
    }

    struct EmailCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "email",
            abstract: "Ingests mails: files as they were sent (RFC 5322), or every regular file of a folder.",
            discussion: """
                A folder's subfolders are looked into; links in it are not followed. A mail goes with its parts and as it is in one \
                frame of 4 MiB, so it may have some 2 MB of text, or 3 MB where most of it is attachments.

                A file that is no mail, or that the daemon refuses, is named, and the rest goes on; the exit code is that of the first \
                such file.

                EXAMPLES
                  msgexport ingest email --configuration newsletter ~/sent-mail/
                  msgexport ingest email --configuration newsletter --message-id order-4711 order.eml
                  sendmail-archive | msgexport ingest email --configuration newsletter -
                """)

        @Argument(help: "Files, folders, or - for standard input.")
        var paths: [String]

        @Option(
            name: .customLong("recipient"), parsing: .singleValue,
            help: ArgumentHelp(
                "A recipient of the envelope; repeat it for more. Those the mail does not name in To or Cc are its Bcc.",
                valueName: "address"))
        var recipients: [String] = []

        @OptionGroup var envelope: Envelope
        @OptionGroup var connection: Connection

        func validate() throws {
            for recipient in recipients {
                let parts = recipient.split(separator: "@", omittingEmptySubsequences: false)
                guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else {
                    throw ValidationError("'\(recipient)' is not an address such as ada@example.com")
                }
            }
        }

        func run() async throws {
            let inputs = try InputFile.all(paths)
            if envelope.messageID != nil, inputs.count > 1 {
                throw ValidationError("--message-id names one message, but there are \(inputs.count) files")
            }
            try await connection.withClient { client in
                try await IngestReport(connection.output).run(inputs, client: client) { input in
                    try message(try input.read(limit: Limits.frameBytes))
                }
            }
        }

        private func message(_ raw: [UInt8]) throws -> Message {
            var email = try Mail.parse(raw)
            email.address(to: recipients)
            let id = envelope.messageID ?? MessageIDs.derive([envelope.configuration] + recipients, raw)
            return Message(
                id: try MessageID(id), configuration: envelope.configuration, sentAt: envelope.sentAt, content: .email(email))
        }
    }

    struct SmsCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sms", abstract: "Ingests an SMS.",
            discussion: """
                EXAMPLES
                  msgexport ingest sms --configuration reminders --from +12025550100 --to +12025550123 "See you at 9 🦷"
                  echo "See you at 9" | msgexport ingest sms --configuration reminders --from 24365 --to +12025550123 -
                """)

        @Argument(help: "The text, or - to read it from standard input, without its last line end.")
        var text: String

        @Option(help: ArgumentHelp("Number it was sent from; repeat it for more.", valueName: "number"))
        var from: [String]

        @Option(help: ArgumentHelp("Number it was sent to; one message has one.", valueName: "number"))
        var to: [String]

        @OptionGroup var envelope: Envelope
        @OptionGroup var connection: Connection

        func validate() throws {
            guard to.count == 1 else { throw ValidationError("an SMS is sent to one number: give --to once") }
        }

        func run() async throws {
            let input = text == "-" ? InputFile.standardInput : InputFile.text(text)
            try await connection.withClient { client in
                try await IngestReport(connection.output).run([input], client: client) { input in
                    try message(try input.read(limit: Limits.frameBytes))
                }
            }
        }

        private func message(_ bytes: [UInt8]) throws -> Message {
            guard var content = String(validating: bytes, as: UTF8.self) else {
                throw Status(.invalidArgument, "the text is not valid UTF-8")
            }
            if text == "-", content.last?.isNewline == true { content.removeLast() }
            let id = envelope.messageID ?? MessageIDs.derive([envelope.configuration] + from + to, Array(content.utf8))
            let sms = Sms(senderNumbers: from, recipientNumber: to[0], text: content)
            return Message(
                id: try MessageID(id), configuration: envelope.configuration, sentAt: envelope.sentAt, content: .sms(sms))
        }
    }
}

extension Email {
    /// Gives the mail the recipients of its envelope: those it does not name itself got it as blind copies, or, when it names
    /// nobody, are whom it was sent to.
    fileprivate mutating func address(to recipients: [String]) {
        let named = Set((to + cc + bcc).map { $0.email.lowercased() })
        let unnamed = recipients.filter { !named.contains($0.lowercased()) }.map { Address(email: $0) }
        if to.isEmpty, cc.isEmpty { to = unnamed } else { bcc += unnamed }
    }
}

/// Ids for messages whose sender gave none.
enum MessageIDs {
    /// SHA-256 of configuration, envelope and content, each behind its length.
    static func derive(_ envelope: [String], _ content: [UInt8]) -> String {
        var hash = SHA256()
        for part in envelope.map({ Array($0.utf8) }) + [content] {
            withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: part)
        }
        return hexadecimal(hash.finalize())
    }
}

/// A time given on the command line.
enum SentAt {
    @Sendable static func parse(_ text: String) throws -> Instant {
        for style in [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)] {
            guard let date = try? style.parse(text), isDay(text.prefix(10)) else { continue }
            return Instant(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
        }
        throw ValidationError("'\(text)' is not a time such as 2026-11-23T09:30:00Z")
    }

    /// Whether there is such a day: Foundation takes 30 February for 2 March.
    private static func isDay(_ text: Substring) -> Bool {
        guard let midnight = try? Date.ISO8601FormatStyle().parse("\(text)T00:00:00Z") else { return false }
        return "\(Day(containing: Instant(milliseconds: Int64(midnight.timeIntervalSince1970) * 1000)))" == text
    }
}
