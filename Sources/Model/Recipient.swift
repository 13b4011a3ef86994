/// Whom a message was sent to, as people are looked up.
public enum Recipient {
    /// The form in which equal recipients are equal: an address in lower case, a number without what only makes it readable.
    public static func normalized(_ text: String) -> String {
        // Nearly all are written so already; by their bytes, as this is done for each message.
        if text.utf8.contains(UInt8(ascii: "@")) {
            let isLower = text.utf8.allSatisfy { $0 < 0x80 && !(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0) }
            return isLower ? text : text.lowercased()
        }
        return text.utf8.contains(where: isSeparator)
            ? String(decoding: text.utf8.filter { !isSeparator($0) }, as: UTF8.self) : text
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "/"),
            UInt8(ascii: "\t"):
            true
        default: false
        }
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
