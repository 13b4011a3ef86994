import Messages
public import Model
import RPC

extension MessageExportClient {
    /// The retained records with a message id: one for each submitter that used it.
    /// - Throws: `notFound` when there is none.
    public func records(messageID: String, view: RecordView = .row) async throws(Status) -> [Record] {
        try await records(.readRecords, GetRecordsRequest(sandbox: sandbox, messageID: messageID, view: view).packed)
    }

    /// The newest records, the newest first, as rows hold them; fewer than `count` when there are no more.
    public func newestRecords(_ count: Int) async throws(Status) -> [Record] {
        var newest: [Record] = []
        while newest.count < count {
            let limit = UInt32(min(count - newest.count, Limits.recordsPreviewed))
            let request = PreviewRecordsRequest(sandbox: sandbox, beforeSequence: newest.last?.sequence ?? 0, limit: limit)
            let next = try await records(.previewRecords, request.packed)
            newest += next
            guard next.count == limit else { break }
        }
        return newest
    }

    /// Hands the records that fulfil a query to `body`, one after the other in the order of their sequences.
    ///
    /// - Parameters:
    ///   - cursor: only those with higher sequences; 0: from the oldest.
    ///   - most: no more than these; nil: all there are.
    public func records(
        matching query: RecordQuery, after cursor: UInt64 = 0, limit most: Int? = nil, view: RecordView = .row,
        _ body: (Record) throws(Status) -> Void
    ) async throws(Status) {
        var cursor = cursor
        var left = most ?? .max
        while left > 0 {
            let limit = min(left, Limits.recordsQueried)
            var count = 0
            // A try after another one goes on behind what that one gave.
            func request() -> [UInt8] {
                RecordQuery.Request(
                    sandbox: sandbox, query: query, afterSequence: cursor, limit: UInt32(limit - count), view: view
                ).packed
            }
            try await forEachRecord(client, .queryRecords, request(), timeout: timeout) { (record) throws(Status) in
                count += 1
                cursor = record.sequence
                try body(record)
            }
            guard count == limit else { return }
            left -= count
        }
    }

    /// Hands each record that fulfils a query to `body` as soon as it is stored, until the daemon stops or `body` throws.
    ///
    /// It has a connection of its own.
    /// - Parameter cursor: first those with higher sequences that are there already; 0: only new ones or, where the query says since when, those
    ///   from then on.
    public func tailRecords(
        matching query: RecordQuery, after cursor: UInt64 = 0, _ body: (Record) throws(Status) -> Void
    ) async throws(Status) {
        var cursor = cursor
        if cursor == 0, query.since == nil { cursor = try await dataset().lastSequence }
        func request() -> [UInt8] { RecordQuery.Request(sandbox: sandbox, query: query, afterSequence: cursor).packed }
        let following = client.another()
        let result: Result<Void, Status>
        do throws(Status) {
            try await forEachRecord(following, .tailRecords, request(), timeout: nil) { (record) throws(Status) in
                cursor = record.sequence
                try body(record)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await following.close()
        try result.get()
    }

    /// Erases all records that were sent to a recipient, whoever else they were sent to. For administrators.
    ///
    /// When this returns, their keys and data are destroyed. It takes as long as there is much.
    /// - Parameter confirm: the recipient again.
    public func eraseRecords(recipient: String, confirm: String) async throws(Status) -> ErasureReceipt {
        try await call(
            .eraseRecords, EraseRecordsRequest(sandbox: sandbox, recipient: recipient, confirm: confirm), timeout: longTime)
    }

    /// Compresses all that is stored, under new keys. For administrators. It takes as long as there is much.
    public func compactDataset() async throws(Status) -> CompactReport {
        try await call(.compactDataset, SandboxRequest(sandbox: sandbox), timeout: longTime)
    }

    /// Reads all that is stored again and compares it with what was written.
    ///
    /// - Parameter progress: is told how far it is, now and then.
    public func verifyDataset(
        _ progress: (DatasetVerification) -> Void = { _ in }
    ) async throws(Status) -> DatasetVerification {
        let request = SandboxRequest(sandbox: sandbox).packed
        return try await client.stream(MethodName.verifyDataset.described, request, timeout: nil) { (stream) throws(Status) in
            var last: DatasetVerification?
            try await stream.forEachMessage { (message) throws(Status) in
                let step = try DatasetVerification(packed: message)
                progress(step)
                if step.isLast { last = step }
            }
            guard let last else { throw Status(.internal, "the daemon did not say what it found") }
            return last
        }
    }

    private var longTime: Duration { .seconds(24 * 3600) }

    private func records(_ method: MethodName, _ request: [UInt8]) async throws(Status) -> [Record] {
        var records: [Record] = []
        func begin() -> [UInt8] {
            records = []
            return request
        }
        try await forEachRecord(client, method, begin(), timeout: timeout) { (record) throws(Status) in records.append(record) }
        return records
    }

    /// Puts records together from their chunks.
    private func forEachRecord(
        _ client: Client, _ method: MethodName, _ request: @autoclosure () -> [UInt8], timeout: Duration?,
        _ body: (Record) throws(Status) -> Void
    ) async throws(Status) {
        try await client.stream(method.described, request(), timeout: timeout) { (stream) throws(Status) in
            var packed: [UInt8] = []
            try await stream.forEachMessage { (message) throws(Status) in
                let chunk = try RecordChunk(packed: message)
                packed += chunk.content
                guard chunk.isLast else { return }
                let record = try Record(packed: packed)
                packed = []
                try body(record)
            }
        }
    }

    /// How much there is, and when it expires.
    public func dataset() async throws(Status) -> DatasetSummary {
        try await call(.getDataset, SandboxRequest(sandbox: sandbox))
    }
}
