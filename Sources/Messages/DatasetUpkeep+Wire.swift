import CMessages
package import Model

extension RecordQuery {
    /// What `QueryRecords` and `TailRecords` ask. Its fields are those of the `.proto`.
    package struct Request: Hashable, WireMessage {
        package var sandbox: String
        package var query: RecordQuery
        package var afterSequence: UInt64
        /// 0: the default.
        package var limit: UInt32
        package var view: RecordView

        package init(sandbox: String, query: RecordQuery, afterSequence: UInt64 = 0, limit: UInt32 = 0, view: RecordView = .row) {
            self.sandbox = sandbox
            self.query = query
            self.afterSequence = afterSequence
            self.limit = limit
            self.view = view
        }

        package init(packed: [UInt8]) throws(Status) {
            self = try unpack(packed, messageexport__v1__query_records_request__unpack) { (wire) throws(Status) in
                var query = RecordQuery()
                query.recipient = try wire.recipient.textIfAny("recipient")
                query.configuration = try wire.configuration.textIfAny("configuration")
                query.campaignID = try wire.campaign_id.textIfAny("campaign_id")
                query.journeyVersionID = try wire.journey_version_id.textIfAny("journey_version_id")
                query.since = try Instant(asked: wire.since_ms, "since_ms")
                query.until = try Instant(asked: wire.until_ms, "until_ms")
                return Request(
                    sandbox: try wire.sandbox.text("sandbox"), query: query, afterSequence: wire.after_sequence,
                    limit: wire.limit,
                    view: try known(wire.view, "view", \.wire))
            }
        }

        package var packed: [UInt8] {
            pack(messageexport__v1__query_records_request__init) { draft, wire in
                wire.sandbox = draft.text(sandbox)
                wire.recipient = draft.text(query.recipient ?? "")
                wire.configuration = draft.text(query.configuration ?? "")
                wire.campaign_id = draft.text(query.campaignID ?? "")
                wire.journey_version_id = draft.text(query.journeyVersionID ?? "")
                wire.since_ms = query.since?.milliseconds ?? 0
                wire.until_ms = query.until?.milliseconds ?? 0
                wire.after_sequence = afterSequence
                wire.limit = limit
                wire.view = view.wire
            }
        }
    }
}

/// What `EraseRecords` asks. Its fields are those of the `.proto`.
package struct EraseRecordsRequest: Hashable, WireMessage {
    package var sandbox: String
    package var recipient: String
    package var confirm: String

    package init(sandbox: String, recipient: String, confirm: String) {
        self.sandbox = sandbox
        self.recipient = recipient
        self.confirm = confirm
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__erase_records_request__unpack) { (wire) throws(Status) in
            EraseRecordsRequest(
                sandbox: try wire.sandbox.text("sandbox"), recipient: try wire.recipient.text("recipient"),
                confirm: try wire.confirm.text("confirm"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__erase_records_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.recipient = draft.text(recipient)
            wire.confirm = draft.text(confirm)
        }
    }
}

extension ErasureReceipt: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__erasure_receipt__unpack) { (wire) throws(Status) in
            ErasureReceipt(
                statement: try wire.statement.text("statement"), signature: wire.signature.array, records: wire.records,
                segments: wire.segments, throughSequence: wire.through_sequence)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__erasure_receipt__init) { draft, wire in
            wire.statement = draft.text(statement)
            wire.signature = draft.bytes(signature)
            wire.records = records
            wire.segments = segments
            wire.through_sequence = throughSequence
        }
    }
}

extension CompactReport: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__compact_report__unpack) { (wire) throws(Status) in
            CompactReport(segments: wire.segments, bytesBefore: wire.bytes_before, bytesAfter: wire.bytes_after)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__compact_report__init) { draft, wire in
            wire.segments = segments
            wire.bytes_before = bytesBefore
            wire.bytes_after = bytesAfter
        }
    }
}

extension DatasetVerification: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__verify_progress__unpack) { (wire) throws(Status) in
            DatasetVerification(
                bytes: wire.bytes, bytesToRead: wire.bytes_to_read, isLast: wire.is_last != 0, segments: wire.segments,
                batches: wire.batches, records: wire.records, problems: try texts(wire.n_problems, wire.problems, "problems"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__verify_progress__init) { draft, wire in
            wire.bytes = bytes
            wire.bytes_to_read = bytesToRead
            wire.is_last = isLast ? 1 : 0
            wire.segments = segments
            wire.batches = batches
            wire.records = records
            (wire.n_problems, wire.problems) = draft.texts(problems)
        }
    }
}
