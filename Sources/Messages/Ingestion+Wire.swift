import CMessages
package import Model

/// An `Ingest` call as a client makes it. The daemon reads the same bytes as `CheckedIngest`.
package struct IngestRequest: Hashable, Sendable {
    package var sandbox: String
    package var messages: [Message]

    package init(sandbox: String, messages: [Message]) {
        self.sandbox = sandbox
        self.messages = messages
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            (wire.n_messages, wire.messages) = draft.list(messages, messageexport__v1__message__init) { draft, wire, message in
                draft.fill(&wire, message)
            }
        }
    }
}

/// An `Ingest` call as the daemon takes it: each message checked, and kept packed rather than turned into Swift values.
package struct CheckedIngest: Sendable {
    package let sandbox: String
    /// One for each message of the call, in order: checked, or what is wrong with it.
    package let messages: [Result<CheckedMessage, Status>]

    /// - Throws: as `WireMessage.init(packed:)`, for what concerns the call as a whole.
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_request__unpack) { (wire) throws(Status) in
            guard wire.n_messages > 0 else { throw Status(.invalidArgument, "no message to ingest", field: "messages") }
            guard wire.n_messages <= Limits.messagesPerIngest else {
                throw Status(
                    .invalidArgument, "\(wire.n_messages) messages in one call, at most \(Limits.messagesPerIngest) are allowed",
                    field: "messages")
            }
            return CheckedIngest(
                sandbox: try wire.sandbox.text("sandbox"),
                messages: (0..<wire.n_messages).map { index in
                    guard let message = wire.messages[index] else { return .failure(missing.within("messages[\(index)]")) }
                    do throws(Status) {
                        return .success(try CheckedMessage(message))
                    } catch {
                        return .failure(error.within("messages[\(index)]"))
                    }
                })
        }
    }

    private init(sandbox: String, messages: [Result<CheckedMessage, Status>]) {
        self.sandbox = sandbox
        self.messages = messages
    }
}

/// A message that keeps every rule that can be told from itself.
package struct CheckedMessage: Sendable {
    package let id: MessageID
    package let configuration: String
    package let sentAt: Instant?
    package let channel: Channel
    /// The message packed anew: equal messages have equal bytes.
    package let packed: [UInt8]

    init(_ message: UnsafePointer<Messageexport__V1__Message>) throws(Status) {
        let wire = message.pointee
        id = try MessageID(try wire.message_id.text("message_id"))
        configuration = try wire.configuration.text("configuration")
        guard !configuration.isEmpty else {
            throw Status(.invalidArgument, "no channel configuration is named", field: "configuration")
        }
        sentAt = Instant(wire: wire.sent_at_ms)
        guard sentAt.map(Instant.representable.contains) != false else {
            throw Status(
                .invalidArgument, "the time is outside the years 1 to 9999", field: "sent_at_ms", hint: "give milliseconds")
        }
        switch wire.content_case {
        case MESSAGEEXPORT__V1__MESSAGE__CONTENT_EMAIL:
            guard let email = wire.email else { throw missing }
            try check(email.pointee)
            channel = .email
        case MESSAGEEXPORT__V1__MESSAGE__CONTENT_SMS:
            guard let sms = wire.sms else { throw missing }
            try check(sms.pointee)
            channel = .sms
        default:
            throw missing
        }
        packed = pack(message)
    }
}

private func check(_ email: Messageexport__V1__Email) throws(Status) {
    func check(
        _ count: Int, _ addresses: UnsafeMutablePointer<UnsafeMutablePointer<Messageexport__V1__Address>?>?, _ field: String
    ) throws(Status) {
        try forEach(count, addresses) { (index, address) throws(Status) in
            try address.email.checkUTF8("email.\(field)[\(index)].email")
            try address.name.checkUTF8("email.\(field)[\(index)].name")
        }
    }
    if let from = email.from {
        try from.pointee.email.checkUTF8("email.from.email")
        try from.pointee.name.checkUTF8("email.from.name")
    }
    try check(email.n_to, email.to, "to")
    try check(email.n_cc, email.cc, "cc")
    try check(email.n_bcc, email.bcc, "bcc")
    try check(email.n_reply_to, email.reply_to, "reply_to")
    try email.error_address.checkUTF8("email.error_address")
    let hasSubject = email.subject_presence_case == MESSAGEEXPORT__V1__EMAIL__SUBJECT_PRESENCE_SUBJECT
    let hasText = email.text_presence_case == MESSAGEEXPORT__V1__EMAIL__TEXT_PRESENCE_TEXT
    let hasHTML = email.html_presence_case == MESSAGEEXPORT__V1__EMAIL__HTML_PRESENCE_HTML
    if hasSubject { try email.subject.checkUTF8("email.subject") }
    if hasText { try email.text.checkUTF8("email.text") }
    if hasHTML { try email.html.checkUTF8("email.html") }
    try forEach(email.n_headers, email.headers) { (index, header) throws(Status) in
        try header.name.checkUTF8("email.headers[\(index)].name")
        try header.value.checkUTF8("email.headers[\(index)].value")
    }
    try forEach(email.n_attachments, email.attachments) { (index, attachment) throws(Status) in
        try attachment.name.checkUTF8("email.attachments[\(index)].name")
        try attachment.type.checkUTF8("email.attachments[\(index)].type")
    }
    guard hasSubject || hasText || hasHTML || email.n_headers > 0 || email.n_attachments > 0 || email.raw.len > 0 else {
        throw Status(.invalidArgument, "the email is empty", field: "email", hint: "set a subject, a body, headers or raw")
    }
}

private func check(_ sms: Messageexport__V1__Sms) throws(Status) {
    for index in 0..<sms.n_sender_numbers {
        try sms.sender_numbers[index].checkUTF8("sms.sender_numbers[\(index)]")
        guard sms.sender_numbers[index].len > 0 else {
            throw Status(.invalidArgument, "the sender number is empty", field: "sms.sender_numbers[\(index)]")
        }
    }
    try sms.recipient_number.checkUTF8("sms.recipient_number")
    try sms.text.checkUTF8("sms.text")
    guard sms.n_sender_numbers > 0 else {
        throw Status(.invalidArgument, "the SMS has no sender number", field: "sms.sender_numbers")
    }
    guard sms.recipient_number.len > 0 else {
        throw Status(.invalidArgument, "the SMS has no recipient number", field: "sms.recipient_number")
    }
    guard sms.text.len > 0 else { throw Status(.invalidArgument, "the SMS is empty", field: "sms.text") }
}

/// The answer to an `Ingest` call: one result for each message, in order.
package struct IngestResponse: Hashable, WireMessage {
    package var results: [Result<IngestResult, Status>]

    package init(results: [Result<IngestResult, Status>]) {
        self.results = results
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_response__unpack) { (wire) throws(Status) in
            IngestResponse(
                results: try map(wire.n_results, wire.results) { (index, result) throws(Status) in
                    if let error = result.error { return .failure(try Status(error.pointee)) }
                    guard let outcome = Outcome(wire: result.outcome) else {
                        throw Status(.internal, "the daemon answered with an outcome this program does not know")
                    }
                    return .success(
                        IngestResult(
                            outcome: outcome, ingestedAt: Instant(wire: result.ingested_at_ms),
                            expiresAt: Instant(wire: result.expires_at_ms)))
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_response__init) { draft, wire in
            (wire.n_results, wire.results) = draft.list(results, messageexport__v1__ingest_result__init) { draft, wire, result in
                switch result {
                case .success(let value):
                    wire.outcome = value.outcome.wire
                    wire.ingested_at_ms = value.ingestedAt?.milliseconds ?? 0
                    wire.expires_at_ms = value.expiresAt?.milliseconds ?? 0
                case .failure(let status):
                    wire.error = draft.status(status)
                }
            }
        }
    }
}

extension Outcome {
    init?(wire: Messageexport__V1__Outcome) {
        guard let outcome = Outcome.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = outcome
    }

    var wire: Messageexport__V1__Outcome {
        switch self {
        case .stored: MESSAGEEXPORT__V1__OUTCOME__OUTCOME_STORED
        case .duplicate: MESSAGEEXPORT__V1__OUTCOME__OUTCOME_DUPLICATE
        case .exportDisabled: MESSAGEEXPORT__V1__OUTCOME__OUTCOME_EXPORT_DISABLED
        }
    }
}
