/// Whom a message was sent to, as people are looked up.
public enum Recipient {
    /// The form in which equal recipients are equal: an address in lower case, a number without what only makes it readable.
    public static func normalized(_ text: String) -> String {
        text.contains("@") ? text.lowercased() : text.filter { !" -.()/\t".contains($0) }
    }
}

extension Message {
    /// All whom it was sent to: `to`, `cc` and `bcc` of a mail, the number of an SMS.
    public var recipients: [String] {
        switch content {
        case .email(let email): (email.to + email.cc + email.bcc).map(\.email)
        case .sms(let sms): [sms.recipientNumber]
        }
    }

    /// Whether it was sent to this recipient, however that is written.
    public func wasSent(to recipient: String) -> Bool {
        let normalized = Recipient.normalized(recipient)
        return recipients.contains { Recipient.normalized($0) == normalized }
    }
}
