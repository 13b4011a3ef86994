import CMessages
package import Model

/// What `ListAuditEvents` asks. Its fields are those of the `.proto`; nil: whatever it is.
package struct ListAuditEventsRequest: Hashable, WireMessage {
    package var sandbox: String
    package var organization: Bool
    package var user: UInt32?
    package var action: AuditEvent.Action?
    package var outcome: AuditEvent.Outcome?
    package var since: Instant?
    package var until: Instant?
    /// 0: all.
    package var limit: UInt32 = 0

    package init(sandbox: String, organization: Bool = false) {
        self.sandbox = sandbox
        self.organization = organization
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__list_audit_events_request__unpack) { (wire) throws(Status) in
            var request = ListAuditEventsRequest(
                sandbox: try wire.sandbox.text("sandbox"), organization: wire.organization != 0)
            if wire.user_presence_case == MESSAGEEXPORT__V1__LIST_AUDIT_EVENTS_REQUEST__USER_PRESENCE_USER {
                request.user = wire.user
            }
            request.action = try spelled(try wire.action.textIfAny("action"), "action")
            request.outcome = try spelled(try wire.outcome.textIfAny("outcome"), "outcome")
            request.since = try Instant(asked: wire.since_ms, "since_ms")
            request.until = try Instant(asked: wire.until_ms, "until_ms")
            request.limit = wire.limit
            return request
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__list_audit_events_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.organization = organization ? 1 : 0
            if let user {
                wire.user_presence_case = MESSAGEEXPORT__V1__LIST_AUDIT_EVENTS_REQUEST__USER_PRESENCE_USER
                wire.user = user
            }
            wire.action = draft.text(action?.rawValue ?? "")
            wire.outcome = draft.text(outcome?.rawValue ?? "")
            wire.since_ms = since?.milliseconds ?? 0
            wire.until_ms = until?.milliseconds ?? 0
            wire.limit = limit
        }
    }
}

/// The value that a text spells, where there is a text.
private func spelled<Value: RawRepresentable<String> & CaseIterable>(_ text: String?, _ field: String) throws(Status) -> Value? {
    guard let text else { return nil }
    guard let value = Value(rawValue: text) else {
        throw Status(
            .invalidArgument, "unknown \(field)", field: field,
            hint: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))", reason: .unknown)
    }
    return value
}

/// What `VerifyAudit` asks. Its fields are those of the `.proto`.
package struct VerifyAuditRequest: Hashable, WireMessage {
    package var sandbox: String
    package var organization: Bool

    package init(sandbox: String, organization: Bool = false) {
        self.sandbox = sandbox
        self.organization = organization
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__verify_audit_request__unpack) { (wire) throws(Status) in
            VerifyAuditRequest(sandbox: try wire.sandbox.text("sandbox"), organization: wire.organization != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__verify_audit_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.organization = organization ? 1 : 0
        }
    }
}

/// What `ListAuditEvents` answers, some events at a time. Its fields are those of the `.proto`.
package struct AuditAnswer: Hashable, WireMessage {
    package var events: [AuditEvent]
    /// With the last answer.
    package var head: AuditHead?

    package init(events: [AuditEvent], head: AuditHead? = nil) {
        self.events = events
        self.head = head
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__audit_answer__unpack) { (wire) throws(Status) in
            AuditAnswer(
                events: try map(wire.n_events, wire.events) { (_, event) throws(Status) in try AuditEvent(event) },
                head: try wire.head.map { (head) throws(Status) in try AuditHead(head.pointee) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__audit_answer__init) { draft, wire in
            (wire.n_events, wire.events) = draft.list(events, messageexport__v1__audit_event__init) { draft, wire, event in
                draft.fill(&wire, event)
            }
            wire.head = head.map(draft.head)
        }
    }
}

/// What `VerifyAudit` answers. Its fields are those of the `.proto`.
package struct AuditVerdict: Hashable, WireMessage {
    package var events: UInt64
    /// Nil: nothing is wrong.
    package var failure: String?
    /// 0: the head, or nothing.
    package var firstBroken: UInt64
    package var head: AuditHead?

    package init(events: UInt64, failure: String?, firstBroken: UInt64, head: AuditHead?) {
        self.events = events
        self.failure = failure
        self.firstBroken = firstBroken
        self.head = head
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__audit_verdict__unpack) { (wire) throws(Status) in
            AuditVerdict(
                events: wire.events, failure: try wire.failure.textIfAny("failure"), firstBroken: wire.first_broken,
                head: try wire.head.map { (head) throws(Status) in try AuditHead(head.pointee) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__audit_verdict__init) { draft, wire in
            wire.events = events
            wire.failure = draft.text(failure ?? "")
            wire.first_broken = firstBroken
            wire.head = head.map(draft.head)
        }
    }
}

extension AuditEvent {
    fileprivate init(_ wire: Messageexport__V1__AuditEvent) throws(Status) {
        let hasUser = wire.user_presence_case == MESSAGEEXPORT__V1__AUDIT_EVENT__USER_PRESENCE_USER
        guard let action = Action(rawValue: try wire.action.text("action")),
            let outcome = Outcome(rawValue: try wire.outcome.text("outcome"))
        else { throw Status(.internal, "the daemon records events that this program does not know", hint: "use the newer one") }
        self.init(
            chain: try wire.chain.text("chain"), number: wire.number, time: Instant(milliseconds: wire.time_ms),
            user: hasUser ? wire.user : nil, action: action, object: try wire.object.text("object"), outcome: outcome,
            count: wire.count, detail: try wire.detail.text("detail"), hash: wire.hash.array)
    }
}

extension AuditHead {
    fileprivate init(_ wire: Messageexport__V1__AuditHead) throws(Status) {
        self.init(
            chain: try wire.chain.text("chain"), firstNumber: wire.first_number, firstPrevious: wire.first_previous.array,
            number: wire.number, hash: wire.hash.array, time: Instant(milliseconds: wire.time_ms),
            signature: wire.signature.array)
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__AuditEvent, _ event: AuditEvent) {
        wire.chain = text(event.chain)
        wire.number = event.number
        wire.time_ms = event.time.milliseconds
        if let user = event.user {
            wire.user_presence_case = MESSAGEEXPORT__V1__AUDIT_EVENT__USER_PRESENCE_USER
            wire.user = user
        }
        wire.action = text(event.action.rawValue)
        wire.object = text(event.object)
        wire.outcome = text(event.outcome.rawValue)
        wire.count = event.count
        wire.detail = text(event.detail)
        wire.hash = bytes(event.hash)
    }

    fileprivate func head(_ head: AuditHead) -> UnsafeMutablePointer<Messageexport__V1__AuditHead> {
        make(messageexport__v1__audit_head__init) { draft, wire in
            wire.chain = draft.text(head.chain)
            wire.first_number = head.firstNumber
            wire.first_previous = draft.bytes(head.firstPrevious)
            wire.number = head.number
            wire.hash = draft.bytes(head.hash)
            wire.time_ms = head.time.milliseconds
            wire.signature = draft.bytes(head.signature)
        }
    }
}
