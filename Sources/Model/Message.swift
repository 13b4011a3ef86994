/// A message as it was sent, with its rendered content. Content is never truncated.
public struct Message: Hashable, Sendable {
    public var id: MessageID
    /// Name of the channel configuration it was sent with.
    public var configuration: String
    /// When it was sent; nil: when it is received.
    public var sentAt: Instant?
    public var content: Content

    /// What was sent, by channel.
    public enum Content: Hashable, Sendable {
        case email(Email)
        case sms(Sms)

        public var channel: Channel {
            switch self {
            case .email: .email
            case .sms: .sms
            }
        }
    }

    public init(id: MessageID, configuration: String, sentAt: Instant? = nil, content: Content) {
        self.id = id
        self.configuration = configuration
        self.sentAt = sentAt
        self.content = content
    }
}

/// How a message reaches people.
public enum Channel: String, Hashable, Sendable, CaseIterable {
    case email
    case sms

    /// The documented spelling, such as `EMAIL`.
    public var name: String { rawValue.uppercased() }
}

/// A rendered email: all recipients of one message in it.
public struct Email: Hashable, Sendable {
    public var from: Address?
    public var to: [Address]
    public var cc: [Address]
    public var bcc: [Address]
    public var replyTo: [Address]
    /// Where bounces go (the envelope's sender).
    public var errorAddress: String?
    /// Decoded subject; nil: the mail has no Subject.
    public var subject: String?
    /// Rendered plain text body; nil: the mail has none.
    public var text: String?
    /// Rendered HTML body; nil: the mail has none.
    public var html: String?
    /// All header fields in order, repeats kept, values decoded.
    public var headers: [Header]
    /// Attachments by value, in order.
    public var attachments: [Attachment]
    /// The mail as sent (RFC 5322), byte for byte; empty: not given.
    public var raw: [UInt8]

    public init(
        from: Address? = nil, to: [Address] = [], cc: [Address] = [], bcc: [Address] = [], replyTo: [Address] = [],
        errorAddress: String? = nil, subject: String? = nil, text: String? = nil, html: String? = nil, headers: [Header] = [],
        attachments: [Attachment] = [], raw: [UInt8] = []
    ) {
        self.from = from
        self.to = to
        self.cc = cc
        self.bcc = bcc
        self.replyTo = replyTo
        self.errorAddress = errorAddress
        self.subject = subject
        self.text = text
        self.html = html
        self.headers = headers
        self.attachments = attachments
        self.raw = raw
    }
}

/// A mailbox: an addr-spec and, where there is one, its display name.
public struct Address: Hashable, Sendable {
    public var email: String
    public var name: String?

    public init(email: String, name: String? = nil) {
        self.email = email
        self.name = name
    }
}

/// One header field of a mail, its value decoded.
public struct Header: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// An attachment by value.
public struct Attachment: Hashable, Sendable {
    /// File name; nil: none given.
    public var name: String?
    /// Media type, such as `image/png`.
    public var type: String
    /// The decoded bytes.
    public var content: [UInt8]

    public init(name: String?, type: String, content: [UInt8]) {
        self.name = name
        self.type = type
        self.content = content
    }
}

/// A rendered SMS.
public struct Sms: Hashable, Sendable {
    /// Numbers it was sent from, E.164 or short code.
    public var senderNumbers: [String]
    /// Number it was sent to, E.164.
    public var recipientNumber: String
    public var text: String

    public init(senderNumbers: [String], recipientNumber: String, text: String) {
        self.senderNumbers = senderNumbers
        self.recipientNumber = recipientNumber
        self.text = text
    }
}
