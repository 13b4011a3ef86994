import CMessages
package import Model

extension Message: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__message__unpack) { (wire) throws(Status) in try Message(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__message__init) { draft, wire in draft.fill(&wire, self) }
    }

    init(_ wire: Messageexport__V1__Message) throws(Status) {
        self.init(
            id: try MessageID(try wire.message_id.text("message_id")),
            configuration: try wire.configuration.text("configuration"),
            sentAt: Instant(wire: wire.sent_at_ms), content: try Content(wire),
            deliveryState: try DeliveryState(wire.delivery_state),
            execution: try wire.execution.map { (part) throws(Status) in try Execution(part.pointee) } ?? Execution(),
            profile: try wire.profile.map { (part) throws(Status) in try Profile(part.pointee) } ?? Profile(),
            identities: try map(wire.n_identities, wire.identities) { (index, identity) throws(Status) in
                try Identity(identity, "identities[\(index)]")
            }, eventType: try wire.event_type.textIfAny("event_type"), producedBy: try wire.produced_by.textIfAny("produced_by"))
    }
}

extension Identity {
    init(_ wire: Messageexport__V1__Identity, _ field: String) throws(Status) {
        let hasPrimary = wire.primary_presence_case == MESSAGEEXPORT__V1__IDENTITY__PRIMARY_PRESENCE_PRIMARY
        self.init(
            namespace: try wire.namespace_.text("\(field).namespace"), id: try wire.id.text("\(field).id"),
            authenticatedState: try wire.authenticated_state.textIfAny("\(field).authenticated_state"),
            isPrimary: hasPrimary ? wire.primary != 0 : nil)
    }
}

extension Message.Content {
    init(_ wire: Messageexport__V1__Message) throws(Status) {
        switch wire.content_case {
        case MESSAGEEXPORT__V1__MESSAGE__CONTENT_EMAIL:
            guard let email = wire.email else { throw missing }
            self = .email(try Email(email.pointee))
        case MESSAGEEXPORT__V1__MESSAGE__CONTENT_SMS:
            guard let sms = wire.sms else { throw missing }
            self = .sms(try Sms(sms.pointee))
        default:
            throw missing
        }
    }
}

/// The answer to a message with neither an email nor an SMS in it.
let missing = Status(.invalidArgument, "the message has no content", field: "content", hint: "set email or sms", reason: .missing)

extension Email {
    init(_ wire: Messageexport__V1__Email) throws(Status) {
        self.init()
        from = try wire.from.map { (address) throws(Status) in try Address(address.pointee, "email.from") }
        to = try addresses(wire.n_to, wire.to, "email.to")
        cc = try addresses(wire.n_cc, wire.cc, "email.cc")
        bcc = try addresses(wire.n_bcc, wire.bcc, "email.bcc")
        replyTo = try addresses(wire.n_reply_to, wire.reply_to, "email.reply_to")
        errorAddress = try wire.error_address.textIfAny("email.error_address")
        if wire.subject_presence_case == MESSAGEEXPORT__V1__EMAIL__SUBJECT_PRESENCE_SUBJECT {
            subject = try wire.subject.text("email.subject")
        }
        if wire.text_presence_case == MESSAGEEXPORT__V1__EMAIL__TEXT_PRESENCE_TEXT { text = try wire.text.text("email.text") }
        if wire.html_presence_case == MESSAGEEXPORT__V1__EMAIL__HTML_PRESENCE_HTML { html = try wire.html.text("email.html") }
        headers = try map(wire.n_headers, wire.headers) { (index, header) throws(Status) in
            Header(
                name: try header.name.text("email.headers[\(index)].name"),
                value: try header.value.text("email.headers[\(index)].value"))
        }
        attachments = try map(wire.n_attachments, wire.attachments) { (index, attachment) throws(Status) in
            Attachment(
                name: try attachment.name.textIfAny("email.attachments[\(index)].name"),
                type: try attachment.type.text("email.attachments[\(index)].type"),
                body: attachment.sha256.len == 0
                    ? .bytes(attachment.content.array)
                    : .digest(size: attachment.size, sha256: attachment.sha256.array))
        }
        raw = wire.raw.array
    }

    private func addresses(
        _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<Messageexport__V1__Address>?>?, _ field: String
    ) throws(Status) -> [Address] {
        try map(count, array) { (index, address) throws(Status) in try Address(address, "\(field)[\(index)]") }
    }
}

extension Address {
    init(_ wire: Messageexport__V1__Address, _ field: String) throws(Status) {
        self.init(email: try wire.email.text("\(field).email"), name: try wire.name.textIfAny("\(field).name"))
    }
}

extension Sms {
    init(_ wire: Messageexport__V1__Sms) throws(Status) {
        self.init(
            senderNumbers: try texts(wire.n_sender_numbers, wire.sender_numbers, "sms.sender_numbers"),
            recipientNumber: try wire.recipient_number.text("sms.recipient_number"), text: try wire.text.text("sms.text"),
            title: try wire.title.textIfAny("sms.title"), media: try wire.media.textIfAny("sms.media"))
    }
}

extension Draft {
    func fill(_ wire: inout Messageexport__V1__Message, _ message: Message) {
        wire.message_id = text(message.id.value)
        wire.configuration = text(message.configuration)
        wire.sent_at_ms = message.sentAt?.milliseconds ?? 0
        switch message.content {
        case .email(let email):
            wire.content_case = MESSAGEEXPORT__V1__MESSAGE__CONTENT_EMAIL
            wire.email = make(messageexport__v1__email__init) { draft, wire in draft.fill(&wire, email) }
        case .sms(let sms):
            wire.content_case = MESSAGEEXPORT__V1__MESSAGE__CONTENT_SMS
            wire.sms = make(messageexport__v1__sms__init) { draft, wire in
                (wire.n_sender_numbers, wire.sender_numbers) = draft.texts(sms.senderNumbers)
                wire.recipient_number = draft.text(sms.recipientNumber)
                wire.text = draft.text(sms.text)
                wire.title = draft.text(sms.title ?? "")
                wire.media = draft.text(sms.media ?? "")
            }
        }
        wire.delivery_state = message.deliveryState?.wire ?? MESSAGEEXPORT__V1__DELIVERY_STATE__DELIVERY_STATE_UNSPECIFIED
        wire.execution = make(message.execution)
        wire.profile = make(message.profile)
        (wire.n_identities, wire.identities) = list(message.identities, messageexport__v1__identity__init) {
            draft, wire, identity in
            wire.namespace_ = draft.text(identity.namespace)
            wire.id = draft.text(identity.id)
            wire.authenticated_state = draft.text(identity.authenticatedState ?? "")
            if let primary = identity.isPrimary {
                wire.primary_presence_case = MESSAGEEXPORT__V1__IDENTITY__PRIMARY_PRESENCE_PRIMARY
                wire.primary = primary ? 1 : 0
            }
        }
        wire.event_type = text(message.eventType ?? "")
        wire.produced_by = text(message.producedBy ?? "")
    }

    private func fill(_ wire: inout Messageexport__V1__Email, _ email: Email) {
        wire.from = email.from.map { address in
            make(messageexport__v1__address__init) { draft, wire in draft.fill(&wire, address) }
        }
        (wire.n_to, wire.to) = addresses(email.to)
        (wire.n_cc, wire.cc) = addresses(email.cc)
        (wire.n_bcc, wire.bcc) = addresses(email.bcc)
        (wire.n_reply_to, wire.reply_to) = addresses(email.replyTo)
        wire.error_address = text(email.errorAddress ?? "")
        if let subject = email.subject {
            wire.subject_presence_case = MESSAGEEXPORT__V1__EMAIL__SUBJECT_PRESENCE_SUBJECT
            wire.subject = text(subject)
        }
        if let body = email.text {
            wire.text_presence_case = MESSAGEEXPORT__V1__EMAIL__TEXT_PRESENCE_TEXT
            wire.text = text(body)
        }
        if let html = email.html {
            wire.html_presence_case = MESSAGEEXPORT__V1__EMAIL__HTML_PRESENCE_HTML
            wire.html = text(html)
        }
        (wire.n_headers, wire.headers) = list(email.headers, messageexport__v1__header__init) { draft, wire, header in
            wire.name = draft.text(header.name)
            wire.value = draft.text(header.value)
        }
        (wire.n_attachments, wire.attachments) = list(email.attachments, messageexport__v1__attachment__init) {
            draft, wire, attachment in
            wire.name = draft.text(attachment.name ?? "")
            wire.type = draft.text(attachment.type)
            switch attachment.body {
            case .bytes(let bytes):
                wire.content = draft.bytes(bytes)
            case .digest(let size, let sha256):
                wire.size = size
                wire.sha256 = draft.bytes(sha256)
            }
        }
        wire.raw = bytes(email.raw)
    }

    private func fill(_ wire: inout Messageexport__V1__Address, _ address: Address) {
        wire.email = text(address.email)
        wire.name = text(address.name ?? "")
    }

    private func addresses(_ addresses: [Address]) -> (
        Int, UnsafeMutablePointer<UnsafeMutablePointer<Messageexport__V1__Address>?>?
    ) {
        list(addresses, messageexport__v1__address__init) { draft, wire, address in draft.fill(&wire, address) }
    }
}
