/// What can be set of a channel configuration. An empty text is not set.
public struct ConfigurationSettings: Hashable, Sendable, Codable {
    /// What messages are for.
    public enum Purpose: String, Hashable, Sendable, CaseIterable, Codable {
        case marketing
        case transactional
    }

    /// Whether messages sent with it are kept and exported.
    public var messageExport: Bool
    /// For people.
    public var description = ""
    /// For people, to find it by.
    public var tags: [String] = []
    /// What its messages are for.
    public var purpose: Purpose?
    /// Domain that emails are sent from.
    public var subdomain = ""
    /// Name of the sender.
    public var fromName = ""
    /// Address of the sender; of the subdomain, where there is one.
    public var fromAddress = ""
    /// Name that replies go to.
    public var replyToName = ""
    /// Address that replies go to.
    public var replyToAddress = ""
    /// Where bounces go.
    public var errorAddress = ""
    /// Who gets a blind copy.
    public var bccAddress = ""
    /// That SMS are sent from, such as `+12025550123`.
    public var senderNumbers: [String] = []

    public init(messageExport: Bool = false) {
        self.messageExport = messageExport
    }

    /// Every reason why this cannot come into force for a channel.
    public func failures(for channel: Channel) -> [String] {
        var failures: [String] = []
        if description.utf8.count > Limits.descriptionBytes {
            failures.append("description has more than \(Limits.descriptionBytes) bytes")
        }
        if tags.count > Limits.tags { failures.append("there are more than \(Limits.tags) tags") }
        if Set(tags).count != tags.count { failures.append("a tag is given twice") }
        for (index, tag) in tags.enumerated() where !isLine(tag, atMost: Limits.tagBytes) || tag.isEmpty {
            failures.append("tags[\(index)] is no text of 1 to \(Limits.tagBytes) bytes in one line")
        }
        switch channel {
        case .email:
            failures += emailFailures
            if !senderNumbers.isEmpty { failures.append("sender_numbers are for SMS") }
        case .sms:
            failures += smsFailures
            for (name, value) in emailTexts where !value.isEmpty { failures.append("\(name) is for email") }
        }
        return failures
    }

    private var emailTexts: [(name: String, value: String)] {
        names + addresses + [("subdomain", subdomain)]
    }

    private var names: [(name: String, value: String)] { [("from_name", fromName), ("reply_to_name", replyToName)] }

    private var addresses: [(name: String, value: String)] {
        [
            ("from_address", fromAddress), ("reply_to_address", replyToAddress), ("error_address", errorAddress),
            ("bcc_address", bccAddress),
        ]
    }

    private var emailFailures: [String] {
        var failures: [String] = []
        for (name, value) in names where !isLine(value, atMost: Limits.nameBytes) {
            failures.append("\(name) is no text of at most \(Limits.nameBytes) bytes in one line")
        }
        for (name, value) in addresses where !value.isEmpty && !isAddress(value) {
            failures.append("\(name) is no email address")
        }
        if !subdomain.isEmpty {
            if !isDomain(subdomain) { failures.append("subdomain is no domain name") }
            let domain = fromAddress.split(separator: "@", omittingEmptySubsequences: false).last.map { $0.lowercased() } ?? ""
            let allowed = subdomain.lowercased()
            if !fromAddress.isEmpty, domain != allowed, !domain.hasSuffix(".\(allowed)") {
                failures.append("from_address is not of the subdomain")
            }
        }
        return failures
    }

    private var smsFailures: [String] {
        var failures: [String] = []
        if senderNumbers.count > Limits.senderNumbers {
            failures.append("there are more than \(Limits.senderNumbers) sender numbers")
        }
        if Set(senderNumbers).count != senderNumbers.count { failures.append("a sender number is given twice") }
        for (index, number) in senderNumbers.enumerated() where number.wholeMatch(of: /\+[1-9][0-9]{1,14}/) == nil {
            failures.append("sender_numbers[\(index)] is no number in E.164, such as +12025550123")
        }
        return failures
    }

    private func isLine(_ text: String, atMost limit: Int) -> Bool {
        text.utf8.count <= limit && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }

    /// As mail systems take it without quoting: the rest is for the sender to know.
    private func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count) else { return false }
        return parts[0].wholeMatch(of: /[A-Za-z0-9!#$%&'*+\/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+\/=?^_`{|}~-]+)*/) != nil
            && isDomain(String(parts[1]))
    }

    private func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.count >= 2
            && labels.allSatisfy { label in
                label.utf8.count <= 63 && label.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?/) != nil
            }
    }
}

/// A change of settings: what is nil stays as it is.
public struct ConfigurationChange: Hashable, Sendable {
    /// Whether messages sent with it are kept and exported.
    public var messageExport: Bool?
    /// For people.
    public var description: String?
    /// All tags.
    public var tags: [String]?
    /// What its messages are for.
    public var purpose: ConfigurationSettings.Purpose?
    /// Domain that emails are sent from.
    public var subdomain: String?
    /// Name of the sender.
    public var fromName: String?
    /// Address of the sender.
    public var fromAddress: String?
    /// Name that replies go to.
    public var replyToName: String?
    /// Address that replies go to.
    public var replyToAddress: String?
    /// Where bounces go.
    public var errorAddress: String?
    /// Who gets a blind copy.
    public var bccAddress: String?
    /// All numbers that SMS are sent from.
    public var senderNumbers: [String]?

    public init(messageExport: Bool? = nil) {
        self.messageExport = messageExport
    }

    /// The change that makes any settings these.
    public init(_ settings: ConfigurationSettings) {
        messageExport = settings.messageExport
        description = settings.description
        tags = settings.tags
        purpose = settings.purpose
        subdomain = settings.subdomain
        fromName = settings.fromName
        fromAddress = settings.fromAddress
        replyToName = settings.replyToName
        replyToAddress = settings.replyToAddress
        errorAddress = settings.errorAddress
        bccAddress = settings.bccAddress
        senderNumbers = settings.senderNumbers
    }

    /// Whether it changes nothing.
    public var isEmpty: Bool { self == ConfigurationChange() }

    /// The settings with the change made.
    public func applied(to settings: ConfigurationSettings) -> ConfigurationSettings {
        var changed = settings
        if let messageExport { changed.messageExport = messageExport }
        if let description { changed.description = description }
        if let tags { changed.tags = tags }
        if let purpose { changed.purpose = purpose }
        if let subdomain { changed.subdomain = subdomain }
        if let fromName { changed.fromName = fromName }
        if let fromAddress { changed.fromAddress = fromAddress }
        if let replyToName { changed.replyToName = replyToName }
        if let replyToAddress { changed.replyToAddress = replyToAddress }
        if let errorAddress { changed.errorAddress = errorAddress }
        if let bccAddress { changed.bccAddress = bccAddress }
        if let senderNumbers { changed.senderNumbers = senderNumbers }
        return changed
    }
}
