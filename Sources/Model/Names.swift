/// The sender's id of a message: 1 to 256 bytes, the idempotency key within what one submitter sends.
public struct MessageID: Hashable, Sendable, CustomStringConvertible {
    /// As it was given.
    public let value: String

    /// - Throws: `invalidArgument` naming `message_id` when it is empty or too long.
    public init(_ value: String) throws(Status) {
        guard !value.isEmpty else {
            throw Status(
                .invalidArgument, "the message id is empty", field: "message_id", hint: "give each message an id of its own",
                reason: .missing)
        }
        guard value.utf8.count <= Limits.messageIDBytes else {
            throw Status(
                .invalidArgument, "the message id has \(value.utf8.count) bytes, at most \(Limits.messageIDBytes) are allowed",
                field: "message_id", limit: Limits.messageIDBytes)
        }
        self.value = value
    }

    /// Ids are equal when their bytes are: two spellings of one letter are two ids.
    public static func == (left: MessageID, right: MessageID) -> Bool {
        left.value.utf8.elementsEqual(right.value.utf8)
    }

    /// As equality is: of the bytes.
    public func hash(into hasher: inout Hasher) {
        for byte in value.utf8 { hasher.combine(byte) }
    }

    public var description: String { value }
}

/// A name that people give to a configuration, destination or dataflow: a letter, then letters, digits, `_`, `.` and `-`.
public struct ResourceName: Hashable, Sendable, CustomStringConvertible {
    /// As it was given.
    public let value: String

    /// - Throws: `invalidArgument` naming `field` when it is not such a name or longer than 256 bytes.
    public init(_ value: String, field: String = "name") throws(Status) {
        func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
        func isInner(_ byte: UInt8) -> Bool {
            isLetter(byte) || (0x30...0x39).contains(byte) || byte == 0x5F || byte == 0x2E || byte == 0x2D
        }
        let rule = "a name starts with a letter; letters, digits, '_', '.' and '-' may follow; at most \(Limits.nameBytes) bytes"
        guard let first = value.utf8.first, isLetter(first), value.utf8.allSatisfy(isInner), value.utf8.count <= Limits.nameBytes
        else {
            throw Status(.invalidArgument, "not a valid name", field: field, hint: rule)
        }
        self.value = value
    }

    public var description: String { value }
}

/// The name of a sandbox: a lowercase letter, then lowercase letters, digits and `-`.
public struct SandboxName: Hashable, Sendable, CustomStringConvertible {
    /// As it was given.
    public let value: String

    /// - Throws: `invalidArgument` naming `name` when it is not such a name or longer than 256 bytes.
    public init(_ value: String) throws(Status) {
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
        func isInner(_ byte: UInt8) -> Bool { isLetter(byte) || (0x30...0x39).contains(byte) || byte == 0x2D }
        guard let first = value.utf8.first, isLetter(first), value.utf8.allSatisfy(isInner), value.utf8.count <= Limits.nameBytes
        else {
            throw Status(
                .invalidArgument, "not a valid sandbox name", field: "name",
                hint:
                    "a name starts with a lowercase letter; lowercase letters, digits and '-' may follow; at most \(Limits.nameBytes) bytes"
            )
        }
        self.value = value
    }

    public var description: String { value }
}
