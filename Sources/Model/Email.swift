/// A rendered email: all recipients of one message in it.
public struct Email: Hashable, Sendable {
    /// The From address; nil: the mail names none.
    public var from: Address?
    /// Whom it was sent to, in the order of the mail.
    public var to: [Address]
    /// Whom a copy was sent to.
    public var cc: [Address]
    /// Whom a copy was sent to that the others do not see.
    public var bcc: [Address]
    /// Where answers go.
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
    /// The addr-spec, such as `ada@example.com`.
    public var email: String
    /// Display name; nil: none.
    public var name: String?

    public init(email: String, name: String? = nil) {
        self.email = email
        self.name = name
    }
}

/// One header field of a mail, its value decoded.
public struct Header: Hashable, Sendable {
    /// As written, such as `Subject`.
    public var name: String
    /// Without folding, encoded words decoded.
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// An attachment: by value, or, where its bytes were left behind, by what they were.
public struct Attachment: Hashable, Sendable {
    /// File name; nil: none given.
    public var name: String?
    /// Media type, such as `image/png`.
    public var type: String
    /// Its bytes, or what they were.
    public var body: Body

    /// The bytes of an attachment, or what they were.
    public enum Body: Hashable, Sendable {
        /// The decoded bytes.
        case bytes([UInt8])
        /// Size and SHA-256 (32 bytes) of bytes that are not here.
        case digest(size: UInt64, sha256: [UInt8])
    }

    public init(name: String?, type: String, body: Body) {
        self.name = name
        self.type = type
        self.body = body
    }

    /// An attachment by value.
    public init(name: String?, type: String, content: [UInt8]) {
        self.init(name: name, type: type, body: .bytes(content))
    }

    /// The decoded bytes; nil: they are not here.
    public var content: [UInt8]? {
        if case .bytes(let bytes) = body { bytes } else { nil }
    }

    /// Bytes of the decoded content, whether they are here or not.
    public var size: UInt64 {
        switch body {
        case .bytes(let bytes): UInt64(bytes.count)
        case .digest(let size, _): size
        }
    }
}
