import ArgumentParser
import MessageExportClient

/// What can be set of a channel configuration.
struct SettingsOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Whether messages sent with it are kept and exported.", valueName: "on|off"))
    var messageExport: OnOff?

    @Option(help: ArgumentHelp("For people.", valueName: "text"))
    var description: String?

    @Option(
        help: ArgumentHelp("For people, to find it by. May be given several times; all tags are replaced.", valueName: "text"))
    var tag: [String] = []

    @Option(help: "What its messages are for.")
    var type: ConfigurationSettings.Purpose?

    @Option(help: ArgumentHelp("Email: the domain that it is sent from.", valueName: "domain"))
    var subdomain: String?

    @Option(help: ArgumentHelp("Email: the sender's name.", valueName: "text"))
    var fromName: String?

    @Option(help: ArgumentHelp("Email: the sender's address.", valueName: "address"))
    var fromAddress: String?

    @Option(help: ArgumentHelp("Email: the name that replies go to.", valueName: "text"))
    var replyToName: String?

    @Option(help: ArgumentHelp("Email: the address that replies go to.", valueName: "address"))
    var replyToAddress: String?

    @Option(help: ArgumentHelp("Email: the address that bounces go to.", valueName: "address"))
    var errorAddress: String?

    @Option(help: ArgumentHelp("Email: who gets a blind copy.", valueName: "address"))
    var bcc: String?

    @Option(
        help: ArgumentHelp(
            "SMS: a number that they are sent from, such as +12025550123. May be given several times; all are replaced.",
            valueName: "number"))
    var senderNumber: [String] = []

    var change: ConfigurationChange {
        var change = ConfigurationChange(messageExport: messageExport.map { $0 == .on })
        change.description = description
        if !tag.isEmpty { change.tags = tag }
        change.purpose = type
        change.subdomain = subdomain
        change.fromName = fromName
        change.fromAddress = fromAddress
        change.replyToName = replyToName
        change.replyToAddress = replyToAddress
        change.errorAddress = errorAddress
        change.bccAddress = bcc
        if !senderNumber.isEmpty { change.senderNumbers = senderNumber }
        return change
    }
}

extension ChannelConfiguration {
    /// Shows it; what failed to come into force is told, and is a failure of the command.
    func show(as format: OutputFormat) throws {
        Terminal.show(fields, as: format)
        let failures = pending.map(\.failures) ?? failures
        guard !failures.isEmpty else { return }
        Terminal.complain(
            Status(
                .failedPrecondition,
                "channel configuration \(name) could not be put in force: \(failures.joined(separator: "; "))",
                hint: "edit it, and submit it again"))
        throw ExitCode(ExitStatus.code(for: .failedPrecondition))
    }

    var fields: [Field] {
        var fields = [
            Field("Configuration", "name", .text(name)), Field("Id", "id", .text(id)),
            Field("Channel", "channel", .text(channel.name)), Field("State", "state", .text(state.rawValue)),
            Field("Version", "version", .number(UInt64(version))), Field("Message export", "messageExport", .flag(messageExport)),
        ]
        if let enabledSince { fields.append(Field("Enabled since", "enabledSince", .text(enabledSince.description))) }
        fields += settings.fields
        if !failures.isEmpty { fields.append(Field("Failed", "failures", .list(failures))) }
        fields.append(Field("Created", "createdAt", .text(createdAt.description)))
        if let pending {
            fields.append(Field("Pending version", "pendingVersion", .number(UInt64(pending.version))))
            fields.append(Field("Pending message export", "pendingMessageExport", .flag(pending.settings.messageExport)))
            if !pending.failures.isEmpty { fields.append(Field("Pending failed", "pendingFailures", .list(pending.failures))) }
        }
        return fields
    }
}

extension ConfigurationSettings {
    /// What is set, but for the flag.
    fileprivate var fields: [Field] {
        let texts = [
            ("Description", "description", description), ("Type", "type", purpose?.rawValue ?? ""),
            ("Subdomain", "subdomain", subdomain), ("From name", "fromName", fromName),
            ("From address", "fromAddress", fromAddress), ("Reply-to name", "replyToName", replyToName),
            ("Reply-to address", "replyToAddress", replyToAddress), ("Error address", "errorAddress", errorAddress),
            ("BCC", "bccAddress", bccAddress),
        ]
        var fields = texts.filter { !$0.2.isEmpty }.map { Field($0.0, $0.1, .text($0.2)) }
        if !tags.isEmpty { fields.append(Field("Tags", "tags", .list(tags))) }
        if !senderNumbers.isEmpty { fields.append(Field("Sender numbers", "senderNumbers", .list(senderNumbers))) }
        return fields
    }
}
