import Catalog
import Dataset
import Formats
import Messages
import Model
import RPC

extension ManagementHandlers {
    func getRecords(_ request: GetRecordsRequest) async throws(Status) -> RecordList {
        RecordList(records: try await records(request))
    }

    func readRecords(_ request: GetRecordsRequest, _ call: Call) async throws(Status) {
        for record in try await records(request) { try await send(record, call) }
    }

    private func records(_ request: GetRecordsRequest) async throws(Status) -> [Record] {
        let entry = try directory.entry(request.sandbox)
        let id = try MessageID(request.messageID)
        let found = try await unlessDatasetFails { () throws(DatasetError) in try entry.store.find(id) }
        guard !found.isEmpty else {
            throw Status(
                .notFound, "no record of that message id is retained in sandbox \(entry.sandbox.name)", field: "message_id")
        }
        var records: [Record] = []
        for record in found { records.append(try Record(record, sandbox: entry.sandbox.name).viewed(as: request.view)) }
        return records
    }

    func previewRecords(_ request: PreviewRecordsRequest, _ call: Call) async throws(Status) {
        let entry = try directory.entry(request.sandbox)
        var left = try limit(request.limit, otherwise: Limits.recordsPreviewedDefault, atMost: Limits.recordsPreviewed)
        var cursor = request.beforeSequence == 0 ? UInt64.max : request.beforeSequence
        while left > 0 {
            let before = cursor
            guard
                let batch = try await unlessDatasetFails({ () throws(DatasetError) in
                    try entry.store.previousBatch(before: before)
                }),
                let first = batch.first
            else { break }
            cursor = first.sequence
            for stored in batch.suffix(left).reversed() {
                try await send(try Record(stored, sandbox: entry.sandbox.name).viewed(as: .row), call)
                left -= 1
            }
        }
    }

    /// Sends a record in pieces that fit a frame.
    private func send(_ record: Record, _ call: Call) async throws(Status) {
        var rest = record.packed[...]
        repeat {
            let piece = Array(rest.prefix(Limits.chunkBytes))
            rest = rest.dropFirst(piece.count)
            try await call.send(RecordChunk(content: piece, isLast: rest.isEmpty).packed)
        } while !rest.isEmpty
    }

    func getDataset(_ request: SandboxRequest) async throws(Status) -> DatasetSummary {
        let entry = try directory.entry(request.sandbox)
        let contents = entry.store.contents
        return DatasetSummary(
            sandbox: entry.sandbox.name, epoch: entry.sandbox.epoch, timeZone: entry.sandbox.timeZone,
            retentionDays: entry.sandbox.retention.days, records: contents.days.values.reduce(0) { $0 + $1.records },
            firstSequence: contents.firstSequence, lastSequence: contents.lastSequence,
            days: contents.days.sorted { $0.key < $1.key }.map { day, stored in
                DatasetSummary.StoredDay(
                    day: "\(day)", records: stored.records, segments: stored.segments, storedBytes: stored.bytes,
                    expiresAt: stored.expiry)
            })
    }
}

extension Record {
    /// What the dataset keeps, as a record.
    /// - Throws: `dataLoss` when the payload is not a message, which only a defect can cause: it is authenticated.
    init(_ stored: StoredRecord, sandbox: String) throws(Status) {
        do {
            let kept = try StoredMessage(packed: stored.payload)
            self.init(
                message: try Message(packed: kept.message), sequence: stored.sequence, ingestedAt: stored.ingestedAt,
                expiresAt: stored.expiresAt, sentAt: kept.sentAt, sandbox: sandbox, configurationID: kept.configurationID,
                configurationVersion: kept.configurationVersion, contentSHA256: stored.contentSHA256,
                submitter: stored.submitter)
        } catch {
            throw Status(.dataLoss, "the record of sequence \(stored.sequence) cannot be decoded: \(error.message)")
        }
    }

    /// The record with what the view asks for.
    fileprivate func viewed(as view: RecordView) -> Record {
        guard view != .full, case .email(var email) = message.content else { return self }
        if view == .raw {
            (email.text, email.html, email.headers, email.attachments) = (nil, nil, [], [])
        } else {
            email.raw = []
            // Few bytes are less than what they are told by: a view is never larger than the record.
            email.attachments = email.attachments.map {
                $0.size <= 64 ? $0 : Attachment(name: $0.name, type: $0.type, body: .digest(size: $0.size, sha256: $0.sha256))
            }
        }
        var viewed = self
        viewed.message.content = .email(email)
        return viewed
    }
}
