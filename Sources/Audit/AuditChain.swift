import Crypto
package import Model

/// Links of a chain: what is hashed and signed, and how that is checked. Pure.
///
/// ```
/// event: "MSGXAUDE" | version u16 | hash before 32 | chain | number u64 | time i64 (ms) | user: 0, or 1 and u32 | action | object |
///        outcome | count u64 | detail          texts: length u32, UTF-8; integers big-endian; hashed with SHA-256
/// head:  "MSGXAUDH" | version u16 | chain | first number u64 | hash before the first 32 | number u64 | hash 32 | time i64; signed
/// ```
package enum AuditChain {
    private static let version: UInt16 = 1
    /// The hash before the first event of a chain.
    package static let root = [UInt8](repeating: 0, count: 32)

    /// An empty chain's head.
    package static func begin(_ chain: String, at time: Instant, key: SigningKey) -> AuditHead {
        signed(AuditHead(chain: chain, firstNumber: 1, firstPrevious: root, number: 0, hash: root, time: time), key)
    }

    /// Adds an event: its number and hash are set, and the head is that of the longer chain.
    package static func append(_ event: inout AuditEvent, to head: inout AuditHead, key: SigningKey) {
        event.chain = head.chain
        event.number = head.number + 1
        event.hash = hash(event, after: head.hash)
        (head.number, head.hash, head.time) = (event.number, event.hash, event.time)
        head = signed(head, key)
    }

    /// Lets go of the events up to and with `last`.
    package static func drop(through last: AuditEvent, of head: inout AuditHead, key: SigningKey) {
        (head.firstNumber, head.firstPrevious) = (last.number + 1, last.hash)
        head = signed(head, key)
    }

    private static func signed(_ head: AuditHead, _ key: SigningKey) -> AuditHead {
        var head = head
        head.signature = key.signature(of: encoded(head))
        return head
    }

    /// Whether a head is what the holder of the key signed.
    package static func isSigned(_ head: AuditHead, publicKey: [UInt8]) -> Bool {
        SigningKey.isValid(head.signature, of: encoded(head), publicKey: publicKey)
    }

    static func hash(_ event: AuditEvent, after previous: [UInt8]) -> [UInt8] {
        var bytes = Array("MSGXAUDE".utf8)
        append(version, to: &bytes)
        bytes += previous
        append(event.chain, to: &bytes)
        append(event.number, to: &bytes)
        append(UInt64(bitPattern: event.time.milliseconds), to: &bytes)
        bytes.append(event.user == nil ? 0 : 1)
        if let user = event.user { append(user, to: &bytes) }
        append(event.action.rawValue, to: &bytes)
        append(event.object, to: &bytes)
        append(event.outcome.rawValue, to: &bytes)
        append(event.count, to: &bytes)
        append(event.detail, to: &bytes)
        return Array(SHA256.hash(data: bytes))
    }

    private static func encoded(_ head: AuditHead) -> [UInt8] {
        var bytes = Array("MSGXAUDH".utf8)
        append(version, to: &bytes)
        append(head.chain, to: &bytes)
        append(head.firstNumber, to: &bytes)
        bytes += head.firstPrevious
        append(head.number, to: &bytes)
        bytes += head.hash
        append(UInt64(bitPattern: head.time.milliseconds), to: &bytes)
        return bytes
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes += $0 }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(UInt32(text.utf8.count), to: &bytes)
        bytes += text.utf8
    }
}

/// Checks a chain from its first event to its last.
package struct AuditVerifier {
    private let head: AuditHead
    private var next: UInt64
    private var previous: [UInt8]

    /// What is wrong with a chain.
    package struct Break: Error, Hashable, CustomStringConvertible {
        /// Number of the first event that is not as it was; nil: the head is not.
        package let number: UInt64?
        package let description: String
    }

    /// - Parameter publicKey: nil: the signature is not checked.
    /// - Throws: when the head is not what was signed.
    package init(_ head: AuditHead, publicKey: [UInt8]?) throws(Break) {
        if let publicKey, !AuditChain.isSigned(head, publicKey: publicKey) {
            throw Break(number: nil, description: "the signature of the chain's head does not fit it")
        }
        self.head = head
        next = head.firstNumber
        previous = head.firstPrevious
    }

    /// Takes the next event.
    package mutating func take(_ event: AuditEvent) throws(Break) {
        guard event.chain == head.chain, event.number == next, next <= head.number else {
            throw Break(number: next, description: "event \(next) is missing; event \(event.number) stands in its place")
        }
        guard AuditChain.hash(event, after: previous) == event.hash else {
            throw Break(number: next, description: "event \(next) is not what was recorded")
        }
        previous = event.hash
        next += 1
    }

    /// To be called after the last event.
    package func finish() throws(Break) {
        guard next == head.number + 1 else {
            throw Break(number: next, description: "event \(next) is missing; the chain has \(head.number)")
        }
        guard previous == head.hash else {
            throw Break(number: head.number, description: "event \(head.number) is not what was recorded")
        }
    }
}
