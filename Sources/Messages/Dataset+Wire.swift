import CMessages
package import Model

/// What `GetRecords` asks. Its fields are those of the `.proto`.
package struct GetRecordsRequest: Hashable, WireMessage {
    package var sandbox: String
    package var messageID: String

    package init(sandbox: String, messageID: String) {
        self.sandbox = sandbox
        self.messageID = messageID
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_records_request__unpack) { (wire) throws(Status) in
            GetRecordsRequest(sandbox: try wire.sandbox.text("sandbox"), messageID: try wire.message_id.text("message_id"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__get_records_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.message_id = draft.text(messageID)
        }
    }
}

/// What `GetRecords` answers. Its fields are those of the `.proto`.
package struct GetRecordsResponse: Hashable, WireMessage {
    package var records: [Record]

    package init(records: [Record]) {
        self.records = records
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_records_response__unpack) { (wire) throws(Status) in
            GetRecordsResponse(
                records: try map(wire.n_records, wire.records) { (_, record) throws(Status) in try Record(record) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__get_records_response__init) { draft, wire in
            (wire.n_records, wire.records) = draft.list(records, messageexport__v1__record__init) { draft, wire, record in
                draft.fill(&wire, record)
            }
        }
    }
}

extension Record {
    init(_ wire: Messageexport__V1__Record) throws(Status) {
        guard let message = wire.message else { throw missing.within("message") }
        self.init(
            message: try Message(message.pointee), sequence: wire.sequence,
            ingestedAt: Instant(milliseconds: wire.ingested_at_ms), expiresAt: Instant(milliseconds: wire.expires_at_ms),
            sentAt: Instant(milliseconds: wire.sent_at_ms), sandbox: try wire.sandbox.text("sandbox"),
            configurationID: try wire.configuration_id.text("configuration_id"),
            configurationVersion: wire.configuration_version, contentSHA256: wire.content_sha256.array,
            submitter: wire.submitter)
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Record, _ record: Record) {
        wire.message = make(messageexport__v1__message__init) { draft, wire in draft.fill(&wire, record.message) }
        wire.sequence = record.sequence
        wire.ingested_at_ms = record.ingestedAt.milliseconds
        wire.expires_at_ms = record.expiresAt.milliseconds
        wire.sent_at_ms = record.sentAt.milliseconds
        wire.sandbox = text(record.sandbox)
        wire.configuration_id = text(record.configurationID)
        wire.configuration_version = record.configurationVersion
        wire.content_sha256 = bytes(record.contentSHA256)
        wire.submitter = record.submitter
    }
}

/// A message as the dataset keeps it, with what was in force at its ingestion.
package struct StoredMessage: Hashable, WireMessage {
    /// A packed `Message`.
    package var message: [UInt8]
    package var configurationID: String
    package var configurationVersion: UInt32
    package var sentAt: Instant

    package init(message: [UInt8], configurationID: String, configurationVersion: UInt32, sentAt: Instant) {
        self.message = message
        self.configurationID = configurationID
        self.configurationVersion = configurationVersion
        self.sentAt = sentAt
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__stored_message__unpack) { (wire) throws(Status) in
            StoredMessage(
                message: wire.message.array, configurationID: try wire.configuration_id.text("configuration_id"),
                configurationVersion: wire.configuration_version, sentAt: Instant(milliseconds: wire.sent_at_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__stored_message__init) { draft, wire in
            wire.message = draft.bytes(message)
            wire.configuration_id = draft.text(configurationID)
            wire.configuration_version = configurationVersion
            wire.sent_at_ms = sentAt.milliseconds
        }
    }
}
