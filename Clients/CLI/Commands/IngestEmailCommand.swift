import ArgumentParser
import Mail
import MessageExportClient

struct IngestEmailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "email",
        abstract: "Ingests mails: files as they were sent (RFC 5322), or every regular file of a folder.",
        discussion: """
            A folder's subfolders are looked into; links in it are not followed. A mail goes with its parts and as it is, 64 MiB \
            together, so a file of some 32 MB is the largest, or 38 MB where most of it is attachments.

            A file that is no mail, or that the daemon refuses, is named, and the rest goes on; the exit code is that of the first \
            such file.

            EXAMPLES
              msgexport ingest email --configuration news ~/sent-mail/
              msgexport ingest email --configuration news --message-id order-4711 order.eml
              sendmail-archive | msgexport ingest email --configuration news -

            With --spool a mail that the daemon does not take in time waits in a folder, sealed: see 'msgexport spool --help'.

            MAIL SERVERS
            With --mta it is a mail server's transport: it prints nothing but what is wrong, and exits with 0 when the mail is taken, 75 \
            (EX_TEMPFAIL) when it is to wait and be tried again, and 65 (EX_DATAERR) when no daemon would ever take it. The same mail \
            again is a duplicate. In Postfix's master.cf:

              msgexport unix - n n - 10 pipe flags=q user=mailer \
                argv=/usr/bin/msgexport ingest email --mta --configuration news \
                --sender=${sender} -

            Where it gets the mail itself and not a copy, --recipient=${recipient} names also its blind copies.
            """)

    @Argument(help: "Files, folders, or - for standard input.", completion: .file())
    var paths: [String]

    @Option(
        name: .customLong("recipient"), parsing: .singleValue,
        help: ArgumentHelp(
            "A recipient of the envelope; repeat it for more. Those the mail does not name in To or Cc are its Bcc.",
            valueName: "address"))
    var recipients: [String] = []

    @Option(
        help: ArgumentHelp("The sender of the envelope, where bounces go; MAILER-DAEMON: none.", valueName: "address"))
    var sender: String?

    @Flag(name: .customLong("mta"), help: "For a mail server: exit codes of sysexits.h, and no output.")
    var isForMailServer = false

    @OptionGroup var envelope: Envelope
    @OptionGroup var spool: SpoolOptions
    @OptionGroup var connection: Connection

    /// Whether a mail server runs this program: to be known also where its arguments are wrong, and whatever stands before the command.
    static var isForMailServer: Bool { CommandLine.arguments.contains("email") && CommandLine.arguments.contains("--mta") }

    private var errorAddress: String? {
        sender.flatMap { $0.uppercased() == "MAILER-DAEMON" ? nil : $0 }
    }

    func validate() throws {
        for address in recipients + (errorAddress.map { [$0] } ?? []) {
            let parts = address.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw ValidationError("'\(address)' is not an address such as ada@example.com")
            }
        }
    }

    func run() async throws {
        let inputs = InputFile.all(paths)
        if envelope.messageID != nil, inputs.count > 1 {
            throw ValidationError("--message-id names one message, but there are \(inputs.count) files")
        }
        var remaining = inputs[...]
        try await connection.withReceiver(spool.settings) { receiver in
            let format = isForMailServer ? .nothing : connection.output.report
            try await IngestReport(format, isOne: inputs.count == 1).run(receiver, total: inputs.count) {
                remaining.popFirst().map { input in
                    IngestItem(
                        input.name, { () throws(Status) in try input.read(limit: Limits.messageBytes) }, message)
                }
            }
        }
    }

    private func message(_ raw: [UInt8]) throws(Status) -> Message {
        var email = try Mail.parse(raw)
        email.address(to: recipients)
        email.errorAddress = errorAddress
        return Message(
            id: try envelope.id(recipients + (errorAddress.map { ["from \($0)"] } ?? []), raw),
            configuration: envelope.configuration, sentAt: envelope.sentAt,
            content: .email(email))
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
