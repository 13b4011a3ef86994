import CMessages
package import Model

/// A message that keeps every rule that can be told from itself. Its fields are those of the `.proto`.
package struct CheckedMessage: Sendable {
    package let id: MessageID
    package let configuration: String
    package let sentAt: Instant?
    package let channel: Channel
    /// All whom it was sent to, as they are written.
    package let recipients: [String]
    /// Where it came from; nil: it does not say.
    package let campaignID: String?
    package let journeyVersionID: String?
    /// The message packed anew: equal messages have equal bytes.
    package let packed: [UInt8]

    init(_ message: UnsafePointer<Messageexport__V1__Message>) throws(Status) {
        let wire = message.pointee
        id = try MessageID(try wire.message_id.text("message_id"))
        configuration = try wire.configuration.text("configuration")
        guard !configuration.isEmpty else {
            throw Status(.invalidArgument, "no channel configuration is named", field: "configuration", reason: .missing)
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
            recipients = try Self.recipients(email.pointee)
        case MESSAGEEXPORT__V1__MESSAGE__CONTENT_SMS:
            guard let sms = wire.sms else { throw missing }
            try check(sms.pointee)
            channel = .sms
            recipients = [try sms.pointee.recipient_number.text("sms.recipient_number")]
        default:
            throw missing
        }
        try check(wire)
        campaignID = try wire.execution?.pointee.campaign_id.textIfAny("execution.campaign_id")
        journeyVersionID = try wire.execution?.pointee.journey_version_id.textIfAny("execution.journey_version_id")
        packed = pack(message)
        guard packed.count <= Limits.messageBytes else {
            throw Status(
                .invalidArgument, "the message has \(packed.count) bytes, at most \(Limits.messageBytes) are allowed",
                field: "content", limit: Limits.messageBytes)
        }
    }
}

extension CheckedMessage {
    fileprivate static func recipients(_ email: Messageexport__V1__Email) throws(Status) -> [String] {
        var recipients: [String] = []
        for (count, addresses) in [(email.n_to, email.to), (email.n_cc, email.cc), (email.n_bcc, email.bcc)] {
            try forEach(count, addresses) { (_, address) throws(Status) in recipients.append(try address.email.text("email")) }
        }
        return recipients
    }
}

/// Checks what is beside the content.
private func check(_ message: Messageexport__V1__Message) throws(Status) {
    _ = try DeliveryState(message.delivery_state)
    if let execution = message.execution { try check(execution.pointee) }
    if let profile = message.profile { try check(profile.pointee) }
    try forEach(message.n_identities, message.identities) { (index, identity) throws(Status) in
        let field = "identities[\(index)]"
        try identity.namespace_.checkUTF8("\(field).namespace")
        try identity.id.checkUTF8("\(field).id")
        try identity.authenticated_state.checkUTF8("\(field).authenticated_state")
        guard identity.namespace_.len > 0, identity.id.len > 0 else {
            throw Status(.invalidArgument, "an identity has a namespace and an id", field: field)
        }
    }
    try message.event_type.checkUTF8("event_type")
    try message.produced_by.checkUTF8("produced_by")
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
        guard attachment.sha256.len == 0 || (attachment.sha256.len == 32 && attachment.content.len == 0) else {
            throw Status(
                .invalidArgument, "an attachment has either its bytes or their size and SHA-256 of 32 bytes",
                field: "email.attachments[\(index)].sha256")
        }
    }
    guard hasSubject || hasText || hasHTML || email.n_headers > 0 || email.n_attachments > 0 || email.raw.len > 0 else {
        throw Status(
            .invalidArgument, "the email is empty", field: "email", hint: "set a subject, a body, headers or raw",
            reason: .missing)
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
        throw Status(.invalidArgument, "the SMS has no sender number", field: "sms.sender_numbers", reason: .missing)
    }
    guard sms.recipient_number.len > 0 else {
        throw Status(.invalidArgument, "the SMS has no recipient number", field: "sms.recipient_number", reason: .missing)
    }
    try sms.title.checkUTF8("sms.title")
    try sms.media.checkUTF8("sms.media")
    guard sms.text.len > 0 || sms.media.len > 0 else {
        throw Status(.invalidArgument, "the SMS is empty", field: "sms.text", reason: .missing)
    }
}
