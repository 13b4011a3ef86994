import CMessages
package import Model

/// What `GetRecords` asks. Its fields are those of the `.proto`.
package struct GetRecordsRequest: Hashable, WireMessage {
    package var sandbox: String
    package var messageID: String
    package var view: RecordView

    package init(sandbox: String, messageID: String, view: RecordView) {
        self.sandbox = sandbox
        self.messageID = messageID
        self.view = view
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_records_request__unpack) { (wire) throws(Status) in
            GetRecordsRequest(
                sandbox: try wire.sandbox.text("sandbox"), messageID: try wire.message_id.text("message_id"),
                view: try known(wire.view, "view", \.wire))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__get_records_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.message_id = draft.text(messageID)
            wire.view = view.wire
        }
    }
}

/// What `PreviewRecords` asks. Its fields are those of the `.proto`.
package struct PreviewRecordsRequest: Hashable, WireMessage {
    package var sandbox: String
    /// 0: from the newest.
    package var beforeSequence: UInt64
    /// 0: the default.
    package var limit: UInt32

    package init(sandbox: String, beforeSequence: UInt64, limit: UInt32) {
        self.sandbox = sandbox
        self.beforeSequence = beforeSequence
        self.limit = limit
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__preview_records_request__unpack) { (wire) throws(Status) in
            PreviewRecordsRequest(
                sandbox: try wire.sandbox.text("sandbox"), beforeSequence: wire.before_sequence, limit: wire.limit)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__preview_records_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.before_sequence = beforeSequence
            wire.limit = limit
        }
    }
}

/// What `GetRecords` answers. Its fields are those of the `.proto`.
package struct RecordList: Hashable, WireMessage {
    package var records: [Record]

    package init(records: [Record]) {
        self.records = records
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__record_list__unpack) { (wire) throws(Status) in
            RecordList(
                records: try map(wire.n_records, wire.records) { (_, record) throws(Status) in try Record(record) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__record_list__init) { draft, wire in
            (wire.n_records, wire.records) = draft.list(records, messageexport__v1__record__init) { draft, wire, record in
                draft.fill(&wire, record)
            }
        }
    }
}

/// A piece of packed records. Its fields are those of the `.proto`.
package struct RecordChunk: Hashable, WireMessage {
    package var content: [UInt8]
    package var isLast: Bool

    package init(content: [UInt8], isLast: Bool) {
        self.content = content
        self.isLast = isLast
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__record_chunk__unpack) { (wire) throws(Status) in
            RecordChunk(content: wire.content.array, isLast: wire.is_last != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__record_chunk__init) { draft, wire in
            wire.content = draft.bytes(content)
            wire.is_last = isLast ? 1 : 0
        }
    }
}

extension Record: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__record__unpack) { (wire) throws(Status) in try Record(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__record__init) { draft, wire in draft.fill(&wire, self) }
    }

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

extension DatasetSummary: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__dataset_summary__unpack) { (wire) throws(Status) in
            DatasetSummary(
                sandbox: try wire.sandbox.text("sandbox"), epoch: wire.epoch, timeZone: try wire.time_zone.text("time_zone"),
                retentionDays: Int(wire.retention_days), records: wire.records, firstSequence: wire.first_sequence,
                lastSequence: wire.last_sequence,
                days: try map(wire.n_days, wire.days) { (index, day) throws(Status) in
                    StoredDay(
                        day: try day.day.text("days[\(index)].day"), records: day.records, segments: day.segments,
                        storedBytes: day.stored_bytes, expiresAt: Instant(milliseconds: day.expires_at_ms),
                        configurations: try map(day.n_configurations, day.configurations) { (_, count) throws(Status) in
                            ConfigurationCount(
                                configuration: try count.configuration.text("configuration"), records: count.records)
                        })
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__dataset_summary__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.epoch = epoch
            wire.time_zone = draft.text(timeZone)
            wire.retention_days = UInt32(retentionDays)
            wire.records = records
            wire.first_sequence = firstSequence
            wire.last_sequence = lastSequence
            (wire.n_days, wire.days) = draft.list(days, messageexport__v1__dataset_day__init) { draft, wire, day in
                wire.day = draft.text(day.day)
                wire.records = day.records
                wire.segments = day.segments
                wire.stored_bytes = day.storedBytes
                wire.expires_at_ms = day.expiresAt.milliseconds
                (wire.n_configurations, wire.configurations) = draft.list(
                    day.configurations, messageexport__v1__configuration_count__init
                ) { draft, wire, count in
                    wire.configuration = draft.text(count.configuration)
                    wire.records = count.records
                }
            }
        }
    }
}
