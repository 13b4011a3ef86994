import Catalog
import Dataset
import Disk
import Formats
import Messages
import Model
import RPC

extension ManagementHandlers {
    func getRecords(_ request: GetRecordsRequest, in place: Place) async throws(Status) -> RecordList {
        var found: [Record] = []
        var bytes = 0
        try await forEachRecord(of: request, in: place) { (record) throws(Status) in
            bytes += record.packed.count
            guard bytes <= Limits.frameBytes else {
                throw Status(
                    .resourceExhausted, "the records have more than \(Limits.frameBytes) bytes", hint: "use ReadRecords",
                    limit: Limits.frameBytes)
            }
            found.append(record)
        }
        return RecordList(records: found)
    }

    func readRecords(_ request: GetRecordsRequest, in place: Place) async throws(Status) {
        try await forEachRecord(of: request, in: place) { (record) async throws(Status) in try await send(record, place.call) }
    }

    private func forEachRecord(
        of request: GetRecordsRequest, in place: Place, _ body: (Record) async throws(Status) -> Void
    ) async throws(Status) {
        let id = try MessageID(request.messageID)
        try await audited(.recordRead, id.value, in: place) { (count) async throws(Status) in
            try await forEachRecord(of: id, view: request.view, in: place, &count, body)
        }
    }

    private func forEachRecord(
        of id: MessageID, view: RecordView, in place: Place, _ count: inout Int, _ body: (Record) async throws(Status) -> Void
    ) async throws(Status) {
        let entry = place.entry
        for sequence in try await look(entry, { (store) throws(DatasetError) in try store.sequences(of: id) }) {
            let size = try await look(entry) { (store) throws(DatasetError) in try store.bytesToRead(after: sequence - 1) }
            try await holding(size, for: place.call) { () async throws(Status) in
                let records = try await read(entry) { (store) throws(DatasetError) in
                    try store.record(sequence).map { [$0] }
                }
                for record in records ?? [] {
                    count += 1
                    try await body(record.viewed(as: view))
                }
            }
        }
        guard count > 0 else {
            throw Status(
                .notFound, "no record of that message id is retained in sandbox \(entry.sandbox.name)", field: "message_id")
        }
    }

    func previewRecords(_ request: PreviewRecordsRequest, in place: Place) async throws(Status) {
        let most = try limit(request.limit, otherwise: Limits.recordsPreviewedDefault, atMost: Limits.recordsPreviewed)
        try await audited(.recordPreview, "", in: place) { (count) async throws(Status) in
            try await previewRecords(request, &count, atMost: most, in: place)
        }
    }

    private func previewRecords(
        _ request: PreviewRecordsRequest, _ count: inout Int, atMost most: Int, in place: Place
    ) async throws(Status) {
        let entry = place.entry
        var cursor = request.beforeSequence == 0 ? UInt64.max : request.beforeSequence
        while count < most {
            let (before, left) = (cursor, most - count)
            let size = try await look(entry) { (store) throws(DatasetError) in try store.bytesToRead(before: before) }
            let isMore = try await holding(size, for: place.call) { () async throws(Status) in
                let records = try await read(entry) { (store) throws(DatasetError) in
                    try store.previousBatch(before: before).map { $0.suffix(left) }
                }
                guard let records, let first = records.first else { return false }
                cursor = first.sequence
                count += records.count
                for record in records.reversed() { try await send(record.viewed(as: .row), place.call) }
                return true
            }
            guard isMore else { break }
        }
    }

    /// Reads content: recorded before it is read, and at the end, whatever that was, with how many records were read. What cannot be recorded is
    /// not read.
    ///
    /// - Parameter body: counts each record that it reads before it gives it away.
    func audited(
        _ action: AuditEvent.Action, _ object: String, in place: Place,
        _ body: (_ count: inout Int) async throws(Status) -> Void
    ) async throws(Status) {
        func record(_ outcome: AuditEvent.Outcome, _ count: Int) async throws(Status) {
            let deed = Deed(
                user: place.user, chain: place.sandbox.id, action: action, object: object, outcome: outcome, count: UInt64(count))
            try await unlessCatalogFails { () async throws(CatalogError) in try await audit.record([deed]) }
        }
        try await record(.intended, 0)
        var read = 0
        do throws(Status) { try await body(&read) } catch {
            try await record(.failed, read)
            throw error
        }
        try await record(.done, read)
    }

    /// Looks something up that is not content.
    func look<Value: Sendable>(
        _ entry: SandboxDirectory.Entry, _ body: @escaping @Sendable (RecordStore) throws(DatasetError) -> Value
    ) async throws(Status) -> Value {
        do throws(DatasetError) {
            return try await reads.run { () throws(DatasetError) in try body(entry.store) }
        } catch {
            throw Status(error)
        }
    }

    /// Reads and decodes records, one piece of work at a time: a large one takes several times its size meanwhile.
    private func read(
        _ entry: SandboxDirectory.Entry,
        _ body: @escaping @Sendable (RecordStore) throws(DatasetError) -> [StoredRecord]?
    ) async throws(Status) -> [Record]? {
        try await reads.run { () throws(Status) in
            let found: [StoredRecord]?
            do throws(DatasetError) { found = try body(entry.store) } catch { throw Status(error) }
            return try found.map { (stored) throws(Status) in
                var records: [Record] = []
                for record in stored { records.append(try Record(record, sandbox: entry.sandbox.name)) }
                return records
            }
        }
    }

    /// Does what holds a batch of that size in memory; a large one waits until it may.
    func holding<Value: Sendable>(
        _ size: Int, for call: Call, _ body: () async throws(Status) -> Value
    ) async throws(Status) -> Value {
        guard size > Limits.batchBytes else { return try await body() }
        let taken = min(size, largeRecords.share)
        guard await largeRecords.wait(taken, of: call.connection) else {
            throw Status(.cancelled, "nobody waits for the call any more")
        }
        defer { largeRecords.giveBack(taken, of: call.connection) }
        return try await body()
    }

    /// Sends a record in pieces that fit a frame.
    func send(_ record: Record, _ call: Call) async throws(Status) {
        let start = ContinuousClock.now
        var rest = record.packed[...]
        repeat {
            let piece = Array(rest.prefix(Limits.recordChunkBytes))
            rest = rest.dropFirst(piece.count)
            try await call.send(RecordChunk(content: piece, isLast: rest.isEmpty).packed)
            guard rest.isEmpty || ContinuousClock.now - start < .seconds(Limits.largeRecordSeconds) else {
                throw Status(
                    .deadlineExceeded, "a record was not read in \(Limits.largeRecordSeconds) seconds", reason: .temporary,
                    limit: Limits.largeRecordSeconds)
            }
        } while !rest.isEmpty
    }

    func getDataset(_ request: SandboxRequest, in place: Place) async throws(Status) -> DatasetSummary {
        let entry = place.entry
        let contents = entry.store.contents
        return DatasetSummary(
            sandbox: entry.sandbox.name, epoch: entry.sandbox.epoch, timeZone: entry.sandbox.timeZone,
            retentionDays: entry.sandbox.retention.days, records: contents.days.values.reduce(0) { $0 + $1.records },
            firstSequence: contents.firstSequence, lastSequence: contents.lastSequence,
            days: contents.days.sorted { $0.key < $1.key }.map { day, stored in
                DatasetSummary.StoredDay(
                    day: "\(day)", records: stored.records, segments: stored.segments, storedBytes: stored.bytes,
                    expiresAt: stored.expiry, configurations: counts(stored.groups, of: entry))
            })
    }

    private func counts(
        _ groups: [Term: UInt64], of entry: SandboxDirectory.Entry
    ) -> [DatasetSummary.ConfigurationCount] {
        let counts = entry.configurations.values.compactMap { configuration in
            groups[Term(configuration)].map {
                DatasetSummary.ConfigurationCount(configuration: configuration.name, records: $0)
            }
        }
        return counts.sorted { $0.records > $1.records }.prefix(Limits.configurationsCounted)
            .sorted { $0.configuration < $1.configuration }
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
    func viewed(as view: RecordView) -> Record {
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
