import CMessages
package import Model

/// An `Ingest` call as a client makes it. The daemon reads the same bytes as `CheckedIngest`. Its fields are
/// those of the `.proto`.
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
/// Its fields are those of the `.proto`.
package struct CheckedIngest: Sendable {
    package let sandbox: String
    /// One for each message of the call, in order: checked, or what is wrong with it.
    package let messages: [Result<CheckedMessage, Status>]

    /// - Throws: as `WireMessage.init(packed:)`, for what concerns the call as a whole.
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_request__unpack) { (wire) throws(Status) in
            guard wire.n_messages > 0 else {
                throw Status(.invalidArgument, "no message to ingest", field: "messages", reason: .missing)
            }
            guard wire.n_messages <= Limits.messagesPerIngest else {
                throw Status(
                    .invalidArgument, "\(wire.n_messages) messages in one call, at most \(Limits.messagesPerIngest) are allowed",
                    field: "messages", limit: Limits.messagesPerIngest)
            }
            return CheckedIngest(
                sandbox: try wire.sandbox.text("sandbox"),
                messages: (0..<wire.n_messages).map { index in
                    guard let message = wire.messages[index] else { return .failure(missing.within("messages[\(index)]")) }
                    return checked(message).mapError { $0.within("messages[\(index)]") }
                })
        }
    }

    private init(sandbox: String, messages: [Result<CheckedMessage, Status>]) {
        self.sandbox = sandbox
        self.messages = messages
    }
}

/// The answer to an `Ingest` call: one result for each message, in order. Its fields are those of the `.proto`.
package struct IngestResponse: Hashable, WireMessage {
    package var results: [Result<IngestResult, Status>]

    package init(results: [Result<IngestResult, Status>]) {
        self.results = results
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_response__unpack) { (wire) throws(Status) in
            IngestResponse(
                results: try map(wire.n_results, wire.results) { (_, result) throws(Status) in try ingestAnswer(result) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_response__init) { draft, wire in
            (wire.n_results, wire.results) = draft.list(results, messageexport__v1__ingest_result__init) { draft, wire, result in
                draft.fill(&wire, result)
            }
        }
    }
}

/// The answer for one message.
func ingestAnswer(_ wire: Messageexport__V1__IngestResult) throws(Status) -> Result<IngestResult, Status> {
    if let error = wire.error { return .failure(try Status(error.pointee)) }
    return .success(try IngestResult(wire))
}

extension IngestResult: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_result__unpack) { (wire) throws(Status) in
            try ingestAnswer(wire).get()
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_result__init) { draft, wire in draft.fill(&wire, .success(self)) }
    }

    fileprivate init(_ wire: Messageexport__V1__IngestResult) throws(Status) {
        guard let outcome = Outcome(wire: wire.outcome) else {
            throw Status(.internal, "the daemon answered with an outcome this program does not know")
        }
        self.init(
            outcome: outcome, ingestedAt: Instant(wire: wire.ingested_at_ms), expiresAt: Instant(wire: wire.expires_at_ms))
    }
}

extension Draft {
    func fill(_ wire: inout Messageexport__V1__IngestResult, _ result: Result<IngestResult, Status>) {
        switch result {
        case .success(let value):
            wire.outcome = value.outcome.wire
            wire.ingested_at_ms = value.ingestedAt?.milliseconds ?? 0
            wire.expires_at_ms = value.expiresAt?.milliseconds ?? 0
        case .failure(let error):
            wire.error = status(error)
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
        case .beforeEnabled: MESSAGEEXPORT__V1__OUTCOME__OUTCOME_BEFORE_ENABLED
        }
    }
}
